-- Gives a session at least this long to live.
--
-- KEYS   the session
-- ARGV   1  TTL in milliseconds, '' for no expiry
-- Reply  1, or 0 if it is absent

local left = redis.call('PTTL', KEYS[1])
if left == -2 then
  return 0
end
if left == -1 then
  return 1 -- it lives for ever
end
if ARGV[1] == '' then
  redis.call('PERSIST', KEYS[1])
elseif tonumber(ARGV[1]) > left then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return 1
