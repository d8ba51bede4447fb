-- Returns the checkpoints of a thread in whose record any of some texts occurs.
--
-- KEYS   head, checkpoints, writes, log, journal
-- ARGV   the texts
-- Reply  {member…}

local found = {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  for _, text in ipairs(ARGV) do
    if string.find(member, text, 1, true) then
      found[#found + 1] = member
      break
    end
  end
end
return found
