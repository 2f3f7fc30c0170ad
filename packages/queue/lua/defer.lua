--[[
  Gives a timer back that a worker holds and has not claimed, to come again later. Uses up no attempt.

  KEYS[1]  the job's hash
  KEYS[2]  the job's lock
  KEYS[3]  stalled (set)
  KEYS[4]  active (list)
  KEYS[5]  delayed (sorted set)
  KEYS[6]  marker (sorted set)
  KEYS[7]  held (sorted set): due timers that are held back, by due time
  ARGV[1]  the job's id
  ARGV[2]  token of this worker's lock
  ARGV[3]  when it is to come again, epoch ms
  ARGV[4]  what holds it back, or '' where it is only early
  ARGV[5]  due at, epoch ms
  ARGV[6]  which taking of the job this is: its field 'ats' as this worker has read it

  Returns 1, or 0 where the worker does not hold it (any more): also what a resend finds.
]]
local job, lock, stalled, active, delayed, marker, held = unpack(KEYS)
local id, token, at, by, dueAt, taking = unpack(ARGV)

local there, heldBy, nextAt, takings, status = unpack(redis.call('HMGET', job, 'timestamp', 'hb', 'nx', 'ats', 'st'))
if not there then
  if redis.call('GET', lock) ~= token then return 0 end
  letGo(lock, stalled, active, id)
  return 0
end
-- It may have lost the job, and taken it anew under the same token, before it noticed: BullMQ counts the takings.
if (takings or '') ~= taking or redis.call('GET', lock) ~= token then return 0 end
-- A late word has ended it meanwhile: whoever takes it next, and at once, puts it in its place.
if status then at, by = dueAt, '' end
-- First to where it goes, then from where it is: an error between the two leaves it on both, never on none.
delay(delayed, marker, id, tonumber(at))
letGo(lock, stalled, active, id)
if by == '' then
  release(job, held, id, heldBy)
  -- A retry that was planned by another while this worker held the timer.
  if nextAt then redis.call('ZADD', baseOf(job, id) .. 'retries', dueAt, id) end
else
  redis.call('HSET', job, 'hb', by .. ':' .. at)
  redis.call('ZADD', held, dueAt, id)
end
return 1
