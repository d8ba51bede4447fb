-- Counts a failure of a thread that was taken on, and sets it aside after too many.
--
-- KEYS   due, leases, failures, dead
-- ARGV   1  end of the lease
--        2  the thread
--        3  how many failures are too many
--        4  in how many milliseconds it is due again if they are not
--        5  why it failed, as it is noted when it is set aside
-- Reply  1 if it is set aside, else 0

-- include time
-- include arming

if redis.call('ZSCORE', KEYS[2], ARGV[2]) ~= ARGV[1] then
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[2])
if redis.call('HINCRBY', KEYS[3], ARGV[2], 1) < tonumber(ARGV[3]) then
  arm(KEYS[1], ARGV[2], ARGV[4])
  return 0
end
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('HSET', KEYS[4], ARGV[2], ARGV[5])
return 1
