-- Returns the logs of turns that were written after a revision: {turn, log, …}.
local function turn_logs(after)
  local found = {}
  if redis.call('HEXISTS', KEYS[1], 'logs') == 1 then
    local fields = redis.call('HGETALL', KEYS[1])
    for i = 1, #fields, 2 do
      local turn = string.match(fields[i], '^turn:(%d+)$')
      if turn then
        local space = string.find(fields[i + 1], ' ', 1, true)
        if tonumber(string.sub(fields[i + 1], 1, space - 1)) > after then
          found[#found + 1] = turn
          found[#found + 1] = string.sub(fields[i + 1], space + 1)
        end
      end
    end
  end
  return found
end
