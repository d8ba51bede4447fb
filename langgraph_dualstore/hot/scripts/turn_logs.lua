-- Returns the logs of a thread's turns.
--
-- KEYS   head, checkpoints, writes, log, journal
-- Reply  nil if the thread is absent; else {'1' if it was archived before, so that the archive
--        may have more of them, {turn, log, …}}

-- include logs

if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
return {redis.call('HEXISTS', KEYS[1], 'archive') == 1 and '1' or '', turn_logs(-1)}
