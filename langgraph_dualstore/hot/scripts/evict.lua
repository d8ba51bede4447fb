-- Removes a thread if it is archived as it is, and not pinned.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  what is archived of it, as that was noted when the archive was asked
-- Reply  1 if it was removed, else 0

-- include head

local head = read_head()
if not head.clean or head.pin or redis.call('HGET', KEYS[1], 'archive') ~= ARGV[1] then
  return 0
end
redis.call('DEL', unpack(KEYS, 1, 5))
return 1
