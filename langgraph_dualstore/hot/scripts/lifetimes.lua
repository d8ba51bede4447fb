-- Tells how long each of a thread's keys has left.
--
-- KEYS   head, checkpoints, writes, log, journal
-- Reply  nil if the thread is absent; else {'1' if it is pinned, '1' if it is archived as it
--        is, PTTL of each key}

-- include head

local head = read_head()
if not head.gen then
  return false
end
local reply = {head.pin and '1' or '', head.clean and '1' or ''}
for i = 1, 5 do
  reply[2 + i] = redis.call('PTTL', KEYS[i])
end
return reply
