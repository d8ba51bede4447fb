-- Stores a task's writes. A regular write keeps its first value, a special one (whose
-- index is negative) is replaced.
--
-- KEYS   head, checkpoints, writes, log, journal, and the queue of due threads if it is
--        on this node
-- ARGV   1  generation to open if the thread is absent, '' to write nothing then
--        2  address of the checkpoint
--        3  encoded id of the task
--        4  TTL in milliseconds, '' for none
--        5  encoded namespace
--        6  '1' if it keeps a limited number of checkpoints, else ''
--        7  in how many milliseconds the thread is due to be archived, '' for never
--        8  the thread, as it is queued
--        9… for each write: its index in eight characters, the rest of its member
-- Reply  nil if the thread is absent and was not to be opened; else
--        {how many writes were stored, whether the thread was archived as it was, and so may
--        not be queued any more: 0 no, 1 yes, 2 yes and the writes are late: a checkpoint
--        that came after theirs is archived, and no run may be on that brings another}

-- include time
-- include arming
-- include expiry
-- include head

-- A limited history may have dropped the checkpoint while the writes were under way: it
-- is older than all that are listed, and no ancestor.
local upto = ARGV[2] .. '\255'
if ARGV[6] ~= '' then
  local oldest = '[c' .. ARGV[5]
  if redis.call('ZLEXCOUNT', KEYS[2], oldest, '[c' .. upto) == 0
    and redis.call('ZLEXCOUNT', KEYS[2], oldest, oldest .. '\255') > 0
    and redis.call('ZLEXCOUNT', KEYS[2], '[a' .. ARGV[2], '[a' .. upto) == 0
  then
    return {0, 0}
  end
end

local remaining = redis.call('PTTL', KEYS[1])
local head = read_head()
if not head.gen and ARGV[1] == '' then
  return false
end

local late = head.clean
  and redis.call('ZLEXCOUNT', KEYS[2], '(c' .. upto, '[c' .. ARGV[5] .. '\255') > 0
if KEYS[6] then
  arm(KEYS[6], ARGV[8], late and 0 or ARGV[7])
end

local task = ARGV[2] .. ARGV[3]
local stored = {}
for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], '[' .. task, '[' .. task .. '\255')) do
  stored[string.sub(member, #task + 1, #task + 8)] = member
end

local added = {}
for i = 9, #ARGV, 2 do
  local index = ARGV[i]
  local member = task .. index .. ARGV[i + 1]
  -- Indexes are biased by 2^31: what starts below '8' is negative.
  if not stored[index] or string.byte(index) < 56 then
    redis.call('ZADD', KEYS[3], 0, member)
    if stored[index] and stored[index] ~= member then
      redis.call('ZREM', KEYS[3], stored[index])
    end
    added[#added + 1] = member
  end
end

if head.gen then
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
else
  write_head(head, ARGV[1], head.len)
end
expire_together(remaining, head.pin, ARGV[4])
local unqueued = head.clean and not KEYS[6]
return {#added, unqueued and (late and 2 or 1) or 0}
