-- Writes a session and gives it at least this long to live.
--
-- KEYS   the session
-- ARGV   1  state
--        2  TTL in milliseconds, '' for no expiry

if ARGV[2] == '' then
  redis.call('SET', KEYS[1], ARGV[1])
  return
end
local left = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], ARGV[1], 'PX', string.format('%.0f', left))
