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
  local record = parse_member(member)
  local address = record.address
  chain[#chain + 1] = {
    member,
    redis.call('ZRANGEBYLEX', KEYS[3], '[' .. address, '[' .. address .. '\255'),
  }
  if #chain > 1 or ARGV[3] ~= '1' then
    local at = 1
    while at <= #record.names do
      local colon = string.find(record.names, ':', at, true)
      local size = tonumber(string.sub(record.names, at, colon - 1))
      local name = string.sub(record.names, colon + 1, colon + size)
      if missing[name] then
        missing[name] = nil
        left = left - 1
      end
      at = colon + size + 2
    end
  end
  if record.parent == '' then
    break
  end
  member = lookup(KEYS[2], 'c' .. space .. record.parent)
    or lookup(KEYS[2], 'a' .. space .. record.parent)
end
return chain
