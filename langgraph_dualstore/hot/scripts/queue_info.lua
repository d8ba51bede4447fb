-- Tells what a server says of itself.
--
-- KEYS   due
-- Reply  INFO's; '' if this user may not ask

local told = redis.pcall('INFO')
if type(told) == 'table' then
  return ''
end
return told
