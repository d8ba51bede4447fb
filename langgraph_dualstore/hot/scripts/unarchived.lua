-- Tells how long a thread has left that is not archived as it is.
--
-- KEYS   head, checkpoints, writes, log, journal
-- Reply  nil if it is archived as it is, or absent; else its PTTL

-- include head

local head = read_head()
if not head.gen or head.clean then
  return false
end
return redis.call('PTTL', KEYS[1])
