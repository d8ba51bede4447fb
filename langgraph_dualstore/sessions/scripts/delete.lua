-- Deletes a session.
--
-- KEYS   the session
-- Reply  1, or 0 if it is absent

return redis.call('UNLINK', KEYS[1])
