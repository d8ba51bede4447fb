-- Returns pieces of the log.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  the log's generation
--        2… for each piece: its position, the position of its last byte
-- Reply  nil if the log is another one; else {bytes…}

-- include head

local head = read_head()
if head.gen ~= ARGV[1] or head.damaged then
  return false
end
local pieces = {}
for i = 2, #ARGV, 2 do
  pieces[#pieces + 1] = redis.call('GETRANGE', KEYS[4], ARGV[i], ARGV[i + 1])
end
return pieces
