--[[
  Brings a timer forward that was given back to come again later, and is still where defer.lua put it.

  KEYS[1]  the job's hash
  KEYS[2]  delayed (sorted set)
  KEYS[3]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  what held it back
  ARGV[3]  when it was to come again, epoch ms
  ARGV[4]  when it is to come now, epoch ms

  Returns 1, or 0 where somebody has taken, changed or ended it since: also what a resend finds.
]]
local job, delayed, marker = unpack(KEYS)
local id, by, from, at = unpack(ARGV)

if redis.call('HGET', job, 'hb') ~= by .. ':' .. from then return 0 end
-- A worker that has taken it, and not asked for its claim yet, leaves the field as it was.
local place = redis.call('ZSCORE', delayed, id)
if not place or tonumber(place) <= at * 4096 then return 0 end
redis.call('HSET', job, 'hb', by .. ':' .. at)
delay(delayed, marker, id, tonumber(at))
return 1
