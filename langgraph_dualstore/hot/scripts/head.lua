-- Returns the head of the thread; `gen` is nil if the thread is absent. `put` tells
-- whether there is a checkpoint, `delta` whether one is rebuilt from ancestors, `damaged`
-- that the log is not as long as it was left: the server evicted it, or the head. `clean`
-- tells that the thread is archived as it is.
local function read_head()
  local found = redis.call('HMGET', KEYS[1], 'gen', 'rev', 'len', 'pin', 'put', 'delta', 'tidied',
    'archived')
  local length = redis.call('STRLEN', KEYS[4])
  return {
    gen = found[1] or nil,
    rev = tonumber(found[2] or 0),
    len = length,
    pin = found[4],
    put = found[5] == '1',
    delta = found[6] == '1',
    tidied = found[7] or '0 0',
    damaged = tonumber(found[3] or 0) ~= length,
    clean = found[8] and found[8] == found[1] .. ' ' .. found[2],
  }
end

-- Opens the thread if it is absent, and counts a change.
local function write_head(head, generation, length)
  redis.call('HSET', KEYS[1], 'gen', generation, 'rev', head.rev + 1, 'len', length,
    'put', head.put and '1' or '0', 'delta', head.delta and '1' or '0')
end
