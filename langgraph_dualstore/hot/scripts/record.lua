-- Returns the position after the part of an address that starts at `at`: after its
-- first NUL that no FF follows.
local function part_end(bytes, at)
  repeat
    at = string.find(bytes, '\0', at, true) + 1
  until string.byte(bytes, at) ~= 255
  return at
end

-- Returns the position after the address in a checkpoint's member.
local function address_end(member)
  return part_end(member, part_end(member, 2))
end

-- Returns the address in a checkpoint's member, without the tag.
local function address_of(member)
  return string.sub(member, 2, address_end(member) - 1)
end
