-- Keeps a thread until it is unpinned: no deadline, whatever is written or read.
--
-- KEYS   head, checkpoints, writes, log, journal
-- Reply  1, or 0 if the thread is absent

if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'pin', 1)
for i = 1, 5 do redis.call('PERSIST', KEYS[i]) end
return 1
