-- Removes checkpoints with their writes, and the thread once nothing is left of it.
--
-- KEYS   head, checkpoints, writes, log, journal, and the queue of due threads if it is
--        on this node
-- ARGV   1  in how many milliseconds the thread is due to be archived
--        2  the thread, as it is queued
--        3… for each checkpoint: its member, its address
-- Reply  how many checkpoints were removed

-- include time
-- include arming

if KEYS[6] then
  arm(KEYS[6], ARGV[2], ARGV[1])
end
local count = 0
for i = 3, #ARGV, 2 do
  -- A checkpoint that was put again since has another stamp, so another member.
  if redis.call('ZREM', KEYS[2], ARGV[i]) == 1 then
    count = count + 1
    local address = ARGV[i + 1]
    redis.call('ZREMRANGEBYLEX', KEYS[3], '[' .. address, '[' .. address .. '\255')
  end
end
if count > 0 then
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
  if redis.call('EXISTS', KEYS[2], KEYS[3]) == 0 then
    redis.call('DEL', KEYS[1], KEYS[4], KEYS[5])
  elseif redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('HSET', KEYS[1], 'put', '0')
  end
end
return count
