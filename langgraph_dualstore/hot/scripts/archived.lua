-- Notes what is archived of a thread, and removes that from the journal.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  generation of the log that was archived
--        2  revision that was archived
--        3  what is archived, as the caller notes it
--        4  how many bytes of the journal are archived
--        5  what had been noted when the thread was read, '' for nothing
-- Reply  1 if the thread is archived as it is now, 0 if it has changed since or is gone, or
--        another archive of it was noted meanwhile, and has cut the journal

-- include expiry
-- include head

local remaining = redis.call('PTTL', KEYS[1])
local head = read_head()
if head.gen ~= ARGV[1] then
  return 0
end
local noted = redis.call('HGET', KEYS[1], 'archive') or ''
if noted == ARGV[3] then
  -- This has run before, and the reply was lost: what is cut is cut.
  return head.rev == tonumber(ARGV[2]) and 1 or 0
end
if noted ~= ARGV[5] then
  return 0
end
local state = ARGV[1] .. ' ' .. ARGV[2]
redis.call('HSET', KEYS[1], 'archive', ARGV[3], 'archived', state)
if redis.call('STRLEN', KEYS[5]) > tonumber(ARGV[4]) then
  redis.call('SET', KEYS[5], redis.call('GETRANGE', KEYS[5], ARGV[4], -1))
  expire_together(remaining, head.pin, remaining >= 0 and '0' or '')
else
  redis.call('DEL', KEYS[5])
end
return head.rev == tonumber(ARGV[2]) and 1 or 0
