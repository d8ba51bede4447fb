-- Returns a whole thread as it is stored.
--
-- KEYS   head, checkpoints, writes, log, journal
-- Reply  nil if the thread is absent; else
--        {generation, revision, {checkpoint…}, {write…}, log, '1' if ancestors are needed,
--        journal, what is archived of it as that was noted, {turn, its log, …}}

-- include head
-- include logs

local head = read_head()
if not head.gen then
  return false
end
return {
  head.gen,
  head.rev,
  redis.call('ZRANGE', KEYS[2], 0, -1),
  redis.call('ZRANGE', KEYS[3], 0, -1),
  redis.call('GET', KEYS[4]) or '',
  head.delta and '1' or '',
  redis.call('GET', KEYS[5]) or '',
  redis.call('HGET', KEYS[1], 'archive') or '',
  turn_logs(-1),
}
