-- Reads a session.
--
-- KEYS   the session
-- Reply  its state, nil if it is absent

return redis.call('GET', KEYS[1])
