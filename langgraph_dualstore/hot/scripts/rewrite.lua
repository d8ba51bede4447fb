-- Replaces a whole thread, if it is still as the caller saw it.
--
-- KEYS   head, checkpoints, writes, log, journal, and the queue of due threads if it is
--        on this node
-- ARGV   1  generation that was seen, '' if the thread was absent
--        2  revision that was seen, 0 if the thread was absent
--        3  the new generation
--        4  TTL in milliseconds, '' for none; a deadline further away is kept
--        5  the new log
--        6  '1' if there are channels that are rebuilt from ancestors
--        7  how many of the checkpoints are ancestors
--        8  how many checkpoints follow
--        9  the new journal
--        10 what is archived of the thread, as a hook's caller notes it; '' to leave that
--        11 '1' if the thread is archived as it is now
--        12 in how many milliseconds the thread is due to be archived
--        13 the thread, as it is queued
--        14… the checkpoints, then the writes
-- Reply  1 if it was replaced, 0 if the thread had changed

-- include time
-- include arming
-- include expiry
-- include head

local remaining = redis.call('PTTL', KEYS[1])
local head = read_head()
if (head.gen or '') ~= ARGV[1] or head.rev ~= tonumber(ARGV[2]) then
  return 0
end

if KEYS[6] then
  arm(KEYS[6], ARGV[13], ARGV[12])
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if ARGV[5] ~= '' then
  redis.call('SET', KEYS[4], ARGV[5])
end
if ARGV[9] ~= '' then
  redis.call('SET', KEYS[5], ARGV[9])
end
head.put, head.delta = ARGV[8] ~= '0', ARGV[6] == '1'
write_head(head, ARGV[3], #ARGV[5])
redis.call('HSET', KEYS[1], 'tidied', #ARGV[5] .. ' ' .. ARGV[7])
if ARGV[10] ~= '' then
  redis.call('HSET', KEYS[1], 'archive', ARGV[10])
end
if ARGV[11] == '1' then
  redis.call('HSET', KEYS[1], 'archived', ARGV[3] .. ' ' .. (head.rev + 1))
end
local checkpoints = tonumber(ARGV[8])
for i = 14, #ARGV do
  redis.call('ZADD', i < 14 + checkpoints and KEYS[2] or KEYS[3], 0, ARGV[i])
end

expire_together(remaining, head.pin, ARGV[4])
return 1
