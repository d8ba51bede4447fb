-- Tells why a thread was set aside.
--
-- KEYS   due, leases, failures, dead
-- ARGV   1  the thread
-- Reply  what was noted of it, nil if it was not set aside

return redis.call('HGET', KEYS[4], ARGV[1])
