-- Returns what an archive of a thread needs that was archived before: the newest
-- checkpoint of every namespace, with its writes and any that came later.
--
-- KEYS   head, checkpoints, writes, log, journal
-- Reply  nil if the thread is absent; of one that was not, its generation and revision
--        only; else {generation, revision, what is archived of it as
--        that was noted, '1' if it is archived as it is, '1' if ancestors are needed,
--        {checkpoint…}, {write…}, journal, {turn, log of it that is not archived, …}}

-- include head
-- include logs
-- include record

local head = read_head()
if not head.gen then
  return false
end
local noted = redis.call('HGET', KEYS[1], 'archive')
if not noted then
  return {head.gen, head.rev, '', '', '', {}, {}, '', {}}
end
local checkpoints, writes = {}, {}
local last = '[c\255'
while true do
  local member = redis.call('ZREVRANGEBYLEX', KEYS[2], last, '[c', 'LIMIT', 0, 1)[1]
  if not member then
    break
  end
  checkpoints[#checkpoints + 1] = member
  local space = string.sub(member, 2, part_end(member, 2) - 1)
  local from = '[' .. address_of(member)
  for _, write in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], from, '[' .. space .. '\255')) do
    writes[#writes + 1] = write
  end
  last = '(c' .. space
end
return {
  head.gen,
  head.rev,
  noted,
  head.clean and '1' or '',
  head.delta and '1' or '',
  checkpoints,
  writes,
  redis.call('GET', KEYS[5]) or '',
  turn_logs(tonumber(string.match(redis.call('HGET', KEYS[1], 'archived') or '', ' (%d+)$')) or -1),
}
