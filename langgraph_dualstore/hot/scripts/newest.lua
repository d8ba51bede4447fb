-- Returns the newest checkpoint of every namespace, by leaping from one to the next.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  start of the encoded id that a checkpoint must be less than, '' for any
-- Reply  {encoded namespace, encoded id, …}

-- include record

local found = {}
local last = '[c\255'
while true do
  local member = redis.call('ZREVRANGEBYLEX', KEYS[2], last, '[c', 'LIMIT', 0, 1)[1]
  if not member then
    return found
  end
  local space = string.sub(member, 2, part_end(member, 2) - 1)
  local newest = member
  if ARGV[1] ~= '' then
    local bound = 'c' .. space
    newest = redis.call('ZREVRANGEBYLEX', KEYS[2], '(' .. bound .. ARGV[1], '[' .. bound, 'LIMIT', 0, 1)[1]
  end
  if newest then
    found[#found + 1] = space
    found[#found + 1] = string.sub(address_of(newest), #space + 1)
  end
  last = '(c' .. space
end
