-- Gives a thread at least this long to live.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  TTL in milliseconds, '' for no expiry
-- Reply  1, or 0 if the thread is absent

-- include expiry

local remaining = redis.call('PTTL', KEYS[1])
if remaining == -2 then
  return 0
end
if remaining == -1 then
  return 1 -- it lives for ever, or is pinned
end
expire_together(remaining, false, ARGV[1])
return 1
