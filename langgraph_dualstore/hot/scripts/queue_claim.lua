-- Takes on threads that are due. They are the caller's until its lease ends; what is
-- queued meanwhile waits until then.
--
-- KEYS   due, leases, failures, dead
-- ARGV   1  how many at most
--        2  length of the lease in milliseconds
--        3  how many milliseconds ahead of time a thread may be taken
-- Reply  {end of the lease, {thread…}, how many others are due or leased to others,
--        milliseconds until the next one is due, -1 if there is none}

-- include time
-- include arming

local now = now_ms()
local wanted = tonumber(ARGV[1])
local lease = string.format('%.0f', now + tonumber(ARGV[2]))

-- A worker that did not finish in time has crashed: its threads are due again.
local late = string.format('%.0f', now)
for _, thread in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', late)) do
  redis.call('ZREM', KEYS[2], thread)
  arm(KEYS[1], thread, 0)
end

-- What is leased is left alone, though it was queued again meanwhile.
local until_then = string.format('%.0f', now + tonumber(ARGV[3]))
local leased = redis.call('ZCARD', KEYS[2])
local taken, others = {}, leased
for _, thread in ipairs(
  redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', until_then, 'LIMIT', 0, wanted + leased + 1)
) do
  if not redis.call('ZSCORE', KEYS[2], thread) then
    if #taken < wanted then
      redis.call('ZREM', KEYS[1], thread)
      redis.call('ZADD', KEYS[2], lease, thread)
      taken[#taken + 1] = thread
    else
      others = others + 1
    end
  end
end

local following = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return {lease, taken, others, following and math.max(0, tonumber(following) - now) or -1}
