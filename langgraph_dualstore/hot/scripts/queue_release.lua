-- Gives up threads that were taken on: done with, or to be looked at again.
--
-- KEYS   due, leases, failures, dead
-- ARGV   1  end of the lease
--        2… for each thread: the thread, in how many milliseconds it is due again, '' if it
--        is done with
-- Reply  how many of them were still the caller's

-- include time
-- include arming

local count = 0
for i = 2, #ARGV, 2 do
  local thread, wait = ARGV[i], ARGV[i + 1]
  if redis.call('ZSCORE', KEYS[2], thread) == ARGV[1] then
    count = count + 1
    redis.call('ZREM', KEYS[2], thread)
    if wait == '' then
      redis.call('HDEL', KEYS[3], thread)
      redis.call('HDEL', KEYS[4], thread)
    else
      arm(KEYS[1], thread, wait)
    end
  end
end
return count
