-- Returns the member of a sorted set that has an address (and tag), or nil. There is at most
-- one: what goes on with FF, which is another address, sorts after the interval.
local function lookup(key, address)
  return redis.call('ZRANGEBYLEX', key, '[' .. address, '[' .. address .. '\255', 'LIMIT', 0, 1)[1]
end
