-- Removes checkpoints with their writes, and the thread once nothing is left of it.
--
-- KEYS   head, checkpoints, writes, log
-- ARGV   for each checkpoint: its member, its address
-- Reply  how many checkpoints were removed

local count = 0
for i = 1, #ARGV, 2 do
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
    redis.call('DEL', KEYS[1], KEYS[4])
  elseif redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('HSET', KEYS[1], 'put', '0')
  end
end
return count
