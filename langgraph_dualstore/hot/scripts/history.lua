-- Follows the parents of a checkpoint until values of some channels are found.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  encoded namespace
--        2  encoded id of the checkpoint to start at, '' for the newest
--        3  '1' if the values of the first one do not count
--        4  how many checkpoints at most
--        5… the channels
-- Reply  {{member, {write…}}…}, from the start towards the root, the last one being the
--        one at which the last channel's value was found, if all were

-- include lookup
-- include record

local space = ARGV[1]
local member
if ARGV[2] == '' then
  member = redis.call('ZREVRANGEBYLEX', KEYS[2], '[c' .. space .. '\255', '[c' .. space, 'LIMIT', 0, 1)[1]
else
  member = lookup(KEYS[2], 'c' .. space .. ARGV[2]) or lookup(KEYS[2], 'a' .. space .. ARGV[2])
end

local missing, left = {}, #ARGV - 4
for i = 5, #ARGV do missing[ARGV[i]] = true end

local chain = {}
while member and left > 0 and #chain < tonumber(ARGV[4]) do
  local at = address_end(member)
  local address = string.sub(member, 2, at - 1)
  chain[#chain + 1] = {
    member,
    redis.call('ZRANGEBYLEX', KEYS[3], '[' .. address, '[' .. address .. '\255'),
  }
  -- The line that begins the record ends with the sizes of what follows it: the encoded id
  -- of its parent, and the names of the channels that have a value, as netstrings.
  local parent_size, names_size, parent_at =
    string.match(member, '^%x+ %x+ %d+ %d+ [%d,-]* (%d+) (%d+)\n()', at)
  local names_at = parent_at + tonumber(parent_size)
  local names_end = names_at + tonumber(names_size)
  if #chain > 1 or ARGV[3] ~= '1' then
    at = names_at
    while at < names_end do
      local colon = string.find(member, ':', at, true)
      local size = tonumber(string.sub(member, at, colon - 1))
      local name = string.sub(member, colon + 1, colon + size)
      if missing[name] then
        missing[name] = nil
        left = left - 1
      end
      at = colon + size + 2
    end
  end
  if parent_at == names_at then
    break
  end
  local parent = space .. string.sub(member, parent_at, names_at - 1)
  member = lookup(KEYS[2], 'c' .. parent) or lookup(KEYS[2], 'a' .. parent)
end
return chain
