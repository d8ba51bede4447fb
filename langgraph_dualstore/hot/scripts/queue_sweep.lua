-- Tells whether it is time to look at all threads, and if so, that the caller does.
--
-- KEYS   swept
-- ARGV   1  how many milliseconds lie between two such looks at least
-- Reply  1 if it is time, else 0

return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
