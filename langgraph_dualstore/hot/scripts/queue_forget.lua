-- Removes a thread from those set aside, and from the queue.
--
-- KEYS   due, leases, failures, dead
-- ARGV   1  the thread
--        2  '1' to leave it in the queue
-- Reply  why it was set aside, nil if it was not

local why = redis.call('HGET', KEYS[4], ARGV[1])
if ARGV[2] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
return why
