-- Returns checkpoints from an interval of addresses, newest first, the pending writes of all
-- of them, and the parts of the log that they refer to. Bytes that the caller already holds
-- are left out when a stored checkpoint proves that it holds the same.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   1  greatest member wanted, as ZREVRANGEBYLEX takes it
--        2  least member wanted
--        3  how many at most, -1 for all
--        4  generation of the log that the caller holds a part of, '' if none
--        5  start of a stored checkpoint that proves this: address, generation, stamp
--        6  first position of the part held
--        7  position after it
--        8  '1' to refresh the thread's deadline
--        9  TTL in milliseconds, '' for none
-- Reply  nil if the thread is absent, {} if part of it is, which the server evicted; else
--        {generation, '1' if the part held is proven, {member…}, {write…},
--        {position, bytes, …}}

-- include expiry
-- include head
-- include record

local head = read_head()
if not head.gen then
  return redis.call('EXISTS', KEYS[2], KEYS[4]) > 0 and {}
end

local members = redis.call('ZREVRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])

if not members[1] and head.put and redis.call('EXISTS', KEYS[2]) == 0 then
  return {}
end

local proven = false
if ARGV[4] == head.gen and not head.damaged then
  local proof = 'c' .. ARGV[5]
  proven = redis.call('ZLEXCOUNT', KEYS[2], '[' .. proof, '[' .. proof .. '\255') > 0
end

local writes = {}
if members[1] then
  local newest, oldest = address_of(members[1]), address_of(members[#members])
  writes = redis.call('ZRANGEBYLEX', KEYS[3], '[' .. oldest, '[' .. newest .. '\255')
end

-- What the records refer to, in order and without overlap. Most of an older one is in what
-- the widest of the newer ones spans.
local wanted = {}
local widest = {0, 0}
local function want(from, to)
  if from < to and (from < widest[1] or to > widest[2]) then
    local range = {from, to}
    wanted[#wanted + 1] = range
    if to - from > widest[2] - widest[1] then
      widest = range
    end
  end
end
for _, member in ipairs(members) do
  -- The bytes that the record appended to the log, and the ranges that it refers to besides.
  local position, length, ranges =
    string.match(member, '^%x+ %x+ (%d+) (%d+) ([%d,-]*) ', address_end(member))
  position = tonumber(position)
  want(position, position + tonumber(length))
  for from, to in string.gmatch(ranges, '(%d+)-(%d+)') do
    want(tonumber(from), tonumber(to))
  end
end
table.sort(wanted, function(a, b) return a[1] < b[1] end)
local merged = {}
for _, range in ipairs(wanted) do
  local last = merged[#merged]
  if last and range[1] <= last[2] then
    last[2] = math.max(last[2], range[2])
  else
    merged[#merged + 1] = range
  end
end

local parts = {}
local function fetch(from, to)
  if from < to then
    parts[#parts + 1] = from
    parts[#parts + 1] = redis.call('GETRANGE', KEYS[4], from, to - 1)
  end
end
local held_from, held_to = 0, 0
if proven then
  held_from, held_to = tonumber(ARGV[6]), tonumber(ARGV[7])
end
for _, range in ipairs(merged) do
  fetch(range[1], math.min(range[2], math.max(range[1], held_from)))
  if range[2] > held_from then
    fetch(math.max(range[1], held_to), range[2])
  end
end

if ARGV[8] == '1' then
  expire_together(redis.call('PTTL', KEYS[1]), head.pin, ARGV[9])
end
return {head.gen, proven and '1' or '', members, writes, parts}
