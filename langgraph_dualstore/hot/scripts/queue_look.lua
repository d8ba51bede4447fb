-- Tells what is in a queue.
--
-- KEYS   due, leases, failures, dead
-- Reply  {threads queued, those of them that are due, those that workers have taken on, for
--        how many milliseconds the first of all has been due, less than 0 if it is not yet,
--        that thread ('' if there is none), {thread, why it was set aside, …}}

-- include time

local now = now_ms()
local at = string.format('%.0f', now)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {
  redis.call('ZCARD', KEYS[1]),
  redis.call('ZCOUNT', KEYS[1], '-inf', at),
  redis.call('ZCARD', KEYS[2]),
  first[2] and now - tonumber(first[2]) or 0,
  first[1] or '',
  redis.call('HGETALL', KEYS[4]),
}
