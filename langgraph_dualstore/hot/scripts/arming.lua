-- Sees to it that a thread is due `wait` milliseconds from now, or earlier.
local function arm(due, thread, wait)
  local at = now_ms() + tonumber(wait)
  local score = redis.call('ZSCORE', due, thread)
  if not score or tonumber(score) > at then
    redis.call('ZADD', due, string.format('%.0f', at), thread)
  end
end
