-- Gives the thread's four keys one deadline: `ttl` milliseconds from now ('' for
-- none), never earlier than the one it had. `remaining` is PTTL of the head before
-- the script wrote anything. A pinned thread has no deadline.
local function expire_together(remaining, pinned, ttl)
  if pinned then
    return
  end
  if ttl == '' then
    if remaining >= 0 then
      for _, key in ipairs(KEYS) do redis.call('PERSIST', key) end
    end
    return
  end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local deadline = string.format('%.0f', now + math.max(tonumber(ttl), remaining))
  for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, deadline) end
end
