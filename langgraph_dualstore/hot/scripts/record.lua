-- Returns the position after the part of an address that starts at `at`: after its
-- first NUL that no FF follows.
local function part_end(bytes, at)
  repeat
    at = string.find(bytes, '\0', at, true) + 1
  until string.byte(bytes, at) ~= 255
  return at
end

-- Takes a checkpoint's member apart: its address (without tag), and of its record the
-- position and length of the bytes that it appended to the log, the ranges of the log
-- that it refers to besides, and the encoded id of its parent, '' for none.
local function parse_member(member)
  local at = part_end(member, part_end(member, 2))
  local line, position, length, ranges, size =
    string.match(member, '^(%x+ %x+ (%d+) (%d+) ([%d,-]*) (%d+)\n)', at)
  local parent = at + #line
  return {
    address = string.sub(member, 2, at - 1),
    position = tonumber(position),
    length = tonumber(length),
    ranges = ranges,
    parent = string.sub(member, parent, parent + tonumber(size) - 1),
  }
end
