-- Returns the member of a sorted set that starts with `address`, or nil. No member's
-- address is the start of another's, so there is at most one.
local function lookup(key, address)
  return redis.call('ZRANGEBYLEX', key, '[' .. address, '[' .. address .. '\255', 'LIMIT', 0, 1)[1]
end
