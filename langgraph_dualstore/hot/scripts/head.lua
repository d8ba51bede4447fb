-- Returns the head of the thread, or a table without `gen` if the thread is absent.
-- `damaged` tells that the log is not as long as it was left: the server evicted it.
local function read_head()
  local found = redis.call('HMGET', KEYS[1], 'gen', 'rev', 'len', 'pin', 'tidied')
  local length = redis.call('STRLEN', KEYS[4])
  return {
    gen = found[1],
    rev = tonumber(found[2] or 0),
    len = length,
    pin = found[4],
    tidied = tonumber(found[5] or 0),
    damaged = found[1] and tonumber(found[3]) ~= length,
  }
end

-- Opens the thread if it is absent, and counts a change.
local function write_head(head, generation, length)
  redis.call('HSET', KEYS[1], 'gen', generation, 'rev', head.rev + 1, 'len', length)
end
