-- Stores a checkpoint: appends what is new to the log and replaces the record.
--
-- KEYS   head, checkpoints, writes, log, journal, and the queue of due threads if it is
--        on this node
-- ARGV   1  generation of the log of which the caller holds a copy, '' if of none
--        2  start of a stored checkpoint that proves this copy: its address, generation
--           and stamp
--        3  generation to open if the thread is absent
--        4  encoded namespace
--        5  address of the checkpoint
--        6  its stamp
--        7  the rest of its record
--        8  bytes to append to the log
--        9  TTL in milliseconds, '' for none
--        10 how many checkpoints the namespace keeps, '' for all
--        11 '1' if it has channels that are rebuilt from its ancestors
--        12 start of the parent as the caller knows it, '' if it is not known
--        13 entries for the journal, '' for none, '-' if the caller keeps no journal
--        14 in how many milliseconds the thread is due to be archived, '' for never
--        15 the thread, as it is queued
--        16 '1' to write nothing if the thread is absent
-- Reply  nil if the copy is not of this log, or the parent another one, or the thread absent
--        and not to be opened, nothing having been written;
--        else {generation, position of the appended bytes, ancestors in the namespace
--        (0 unless ARGV[10]), length of the log and ancestors when last tidied,
--        1 if the thread was archived as it was, and so may not be queued any more}

-- include time
-- include arming
-- include expiry
-- include head
-- include record

local remaining = redis.call('PTTL', KEYS[1])
local head = read_head()
local generation = head.gen
local function stored(start)
  return redis.call('ZLEXCOUNT', KEYS[2], '[c' .. start, '[c' .. start .. '\255') > 0
end
if ARGV[1] ~= '' and (generation ~= ARGV[1] or head.damaged or not stored(ARGV[2])) then
  return false
end
if ARGV[12] ~= '' and ARGV[12] ~= ARGV[2] and not stored(ARGV[12]) then
  return false
end
if not generation and ARGV[16] == '1' then
  return false
end
if not generation or head.damaged then
  generation = ARGV[3]
end

-- First what can be refused for want of memory, so that a refused put changes nothing.
if KEYS[6] then
  arm(KEYS[6], ARGV[15], ARGV[14])
end
local length = head.len
head.put, head.delta = true, head.delta or ARGV[11] == '1'
if ARGV[8] ~= '' then
  length = redis.call('APPEND', KEYS[4], ARGV[8])
end
if ARGV[13] ~= '' and ARGV[13] ~= '-' then
  redis.call('APPEND', KEYS[5], head.len .. ' ' .. #ARGV[13] .. '\n' .. ARGV[13])
end
write_head(head, generation, length)
if ARGV[13] == '-' then
  -- What is new is found no longer by what is archived: the whole thread has to be looked at.
  redis.call('HDEL', KEYS[1], 'archive')
end
redis.call('ZREMRANGEBYLEX', KEYS[2], '[c' .. ARGV[5], '[c' .. ARGV[5] .. '\255')
if head.delta then
  redis.call('ZREMRANGEBYLEX', KEYS[2], '[a' .. ARGV[5], '[a' .. ARGV[5] .. '\255')
end
redis.call('ZADD', KEYS[2], 0, 'c' .. ARGV[5] .. generation .. ' ' .. ARGV[6] .. ' '
  .. head.len .. ' ' .. #ARGV[8] .. ' ' .. ARGV[7])

local ancestors = 0
if ARGV[10] ~= '' then
  local listed = '[c' .. ARGV[4]
  for _, member in ipairs(
    redis.call('ZREVRANGEBYLEX', KEYS[2], listed .. '\255', listed, 'LIMIT', ARGV[10], -1)
  ) do
    redis.call('ZREM', KEYS[2], member)
    -- Others that are kept may need what this one does not; tidying tells which do.
    if head.delta then
      redis.call('ZADD', KEYS[2], 0, 'a' .. string.sub(member, 2))
    else
      local address = address_of(member)
      redis.call('ZREMRANGEBYLEX', KEYS[3], '[' .. address, '[' .. address .. '\255')
    end
  end
  ancestors = redis.call('ZLEXCOUNT', KEYS[2], '[a' .. ARGV[4], '[a' .. ARGV[4] .. '\255')
end

expire_together(remaining, head.pin, ARGV[9])
return {generation, head.len, ancestors, head.tidied, head.clean and not KEYS[6] and 1 or 0}
