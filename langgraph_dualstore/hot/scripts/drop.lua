-- Removes a thread if it is still as the caller left it.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  generation
--        2  revision
-- Reply  1 if it was removed, else 0

-- include head

local head = read_head()
if head.gen ~= ARGV[1] or head.rev ~= tonumber(ARGV[2]) then
  return 0
end
redis.call('DEL', unpack(KEYS, 1, 5))
return 1
