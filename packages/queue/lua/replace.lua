--[[
  Sets a key to another text, if it still is what the caller has read.

  KEYS[1]  the key
  ARGV[1]  its text as it was read, '' where there was none
  ARGV[2]  what it is to be

  Returns its text now.
]]
local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then return now end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
