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
-- that it refers to besides, the encoded id of its parent ('' for none), and the names
-- of the channels that have a value, as netstrings.
local function parse_member(member)
  local at = part_end(member, part_end(member, 2))
  local line, position, length, ranges, parent_size, names_size =
    string.match(member, '^(%x+ %x+ (%d+) (%d+) ([%d,-]*) (%d+) (%d+)\n)', at)
  local parent = at + #line
  local names = parent + tonumber(parent_size)
  return {
    address = string.sub(member, 2, at - 1),
    position = tonumber(position),
    length = tonumber(length),
    ranges = ranges,
    parent = string.sub(member, parent, names - 1),
    names = string.sub(member, names, names + tonumber(names_size) - 1),
  }
end
