-- Returns the position after the part of an address that starts at `at`: after its
-- first NUL that no FF follows.
local function part_end(bytes, at)
  repeat
    at = string.find(bytes, '\0', at, true) + 1
  until string.byte(bytes, at) ~= 255
  return at
end

-- Returns the address in a checkpoint's member (without tag), and the position after it.
local function address_of(member)
  local at = part_end(member, part_end(member, 2))
  return string.sub(member, 2, at - 1), at
end
