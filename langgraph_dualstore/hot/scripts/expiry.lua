-- include time

-- Gives the thread's keys one deadline: `ttl` milliseconds from now ('' for
-- none), never earlier than the one it had. `remaining` is PTTL of the head before
-- the script wrote anything. A pinned thread has no deadline.
local function expire_together(remaining, pinned, ttl)
  if pinned then
    return
  end
  if ttl == '' then
    if remaining >= 0 then
      for i = 1, 5 do redis.call('PERSIST', KEYS[i]) end
    end
    return
  end
  local deadline = string.format('%.0f', now_ms() + math.max(tonumber(ttl), remaining))
  for i = 1, 5 do redis.call('PEXPIREAT', KEYS[i], deadline) end
end
