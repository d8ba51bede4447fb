-- Gives a pinned thread a deadline again.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  TTL in milliseconds, '' for none
-- Reply  1 if it was pinned, else 0

-- include expiry

if redis.call('HDEL', KEYS[1], 'pin') == 0 then
  return 0
end
expire_together(-1, false, ARGV[1])
return 1
