-- Gives a thread at least this long to live.
--
-- KEYS   head, checkpoints, writes, log
-- ARGV   1  TTL in milliseconds, '' for no expiry
-- Reply  1, or 0 if the thread is absent

-- include expiry

local remaining = redis.call('PTTL', KEYS[1])
if remaining == -2 then
  return 0
end
expire_together(remaining, redis.call('HGET', KEYS[1], 'pin'), ARGV[1])
return 1
