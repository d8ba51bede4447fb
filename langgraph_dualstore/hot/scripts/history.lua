-- Follows the parents of a checkpoint.
--
-- KEYS   head, checkpoints, writes, log
-- ARGV   1  encoded namespace
--        2  encoded id of the checkpoint to start at, '' for the newest
--        3  how many checkpoints at most
-- Reply  {{member, {write…}}…}, from the start towards the root

-- include lookup
-- include record

local space = ARGV[1]
local member
if ARGV[2] == '' then
  member = redis.call('ZREVRANGEBYLEX', KEYS[2], '[c' .. space .. '\255', '[c' .. space, 'LIMIT', 0, 1)[1]
else
  member = lookup(KEYS[2], 'c' .. space .. ARGV[2]) or lookup(KEYS[2], 'a' .. space .. ARGV[2])
end

local chain = {}
while member and #chain < tonumber(ARGV[3]) do
  local record = parse_member(member)
  local address = record.address
  chain[#chain + 1] = {
    member,
    redis.call('ZRANGEBYLEX', KEYS[3], '[' .. address, '[' .. address .. '\255'),
  }
  if record.parent == '' then
    break
  end
  member = lookup(KEYS[2], 'c' .. space .. record.parent)
    or lookup(KEYS[2], 'a' .. space .. record.parent)
end
return chain
