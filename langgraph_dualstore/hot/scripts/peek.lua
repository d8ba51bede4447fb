-- Tells how a thread stands, without what lies in its log.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  the root graph's namespace, encoded
-- Reply  nil if the thread is absent; else {PTTL, '1' if it is pinned, '1' if it is archived
--        as it is, what is archived of it as that was noted, how many checkpoints are
--        listed, the root's newest checkpoint (another graph's if it has none, '' if there
--        is none at all), the oldest one of the same graph, {write to the newest…}}

-- include head
-- include record

local head = read_head()
if not head.gen then
  return false
end
local newest, oldest, writes = '', '', {}
local space = ARGV[1]
local found = redis.call('ZREVRANGEBYLEX', KEYS[2], '[c' .. space .. '\255', '[c' .. space, 'LIMIT', 0, 1)[1]
if not found then
  found = redis.call('ZREVRANGEBYLEX', KEYS[2], '[c\255', '[c', 'LIMIT', 0, 1)[1]
  space = found and string.sub(found, 2, part_end(found, 2) - 1)
end
if found then
  newest = found
  oldest = redis.call('ZRANGEBYLEX', KEYS[2], '[c' .. space, '[c' .. space .. '\255', 'LIMIT', 0, 1)[1]
  local address = address_of(newest)
  writes = redis.call('ZRANGEBYLEX', KEYS[3], '[' .. address, '[' .. address .. '\255')
end
return {
  redis.call('PTTL', KEYS[1]),
  head.pin and '1' or '',
  head.clean and '1' or '',
  redis.call('HGET', KEYS[1], 'archive') or '',
  redis.call('ZLEXCOUNT', KEYS[2], '[c', '[c\255'),
  newest,
  oldest,
  writes,
}
