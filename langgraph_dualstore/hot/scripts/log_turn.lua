-- Stores the log of a turn in the head, with the revision that it makes.
--
-- KEYS   head, checkpoints, writes, log, journal, and the queue of due threads if it is
--        on this node
-- ARGV   1  the turn
--        2  its log
--        3  TTL in milliseconds, '' for none
--        4  in how many milliseconds the thread is due to be archived, '' for never
--        5  the thread, as it is queued
-- Reply  nil if the thread is absent; else 1 if it was archived as it was, and so may not be
--        queued any more, 0 if not

-- include time
-- include arming
-- include expiry
-- include head

local remaining = redis.call('PTTL', KEYS[1])
local head = read_head()
if not head.gen then
  return false
end
if KEYS[6] then
  arm(KEYS[6], ARGV[5], ARGV[4])
end
redis.call('HSET', KEYS[1], 'turn:' .. ARGV[1], (head.rev + 1) .. ' ' .. ARGV[2], 'logs', 1,
  'rev', head.rev + 1)
expire_together(remaining, head.pin, ARGV[3])
return head.clean and not KEYS[6] and 1 or 0
