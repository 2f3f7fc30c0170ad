--[[
  Hands out a block of numbers of a shard, from which ids of timers are made (includes/mint.lua).

  KEYS[1]  any key of the shard
  ARGV[1]  the rest of that key, after what every key of the shard begins with
  ARGV[2]  '<shard>:<shards of the first layout>'
  ARGV[3]  how many
  ARGV[4]  the highest number that the caller has had of the layout in ARGV[5]: a Redis that has lost its tail would hand out the
           same ones again
  ARGV[5]  number of that layout
  ARGV[6]  the newest layout that the caller knows some shard to follow, '<number>:<from>:<shards>', or '': a Redis that has lost
           its tail follows it again
  ARGV[7]  'skip' where the numbers are not handed out: an end moves on with them. Only for who is alone, and has seen to it that
           no shard is about to follow another layout (restore.ts): what begins above an end must not be there yet

  Returns { last number of the block, number of the layout in force, from which id on it holds, its number of shards }; 0 in
  place of the last number where nothing is handed out: shards are being added, and the numbers of this layout have come to
  their end (end-ids.lua), or the shard is a new one and follows none yet.
]]
local base = string.sub(KEYS[1], 1, -1 - #ARGV[1])
if ARGV[6] ~= '' then follow(base, ARGV[6]) end
local number, from, shards, shard, counter = layoutOf(base, ARGV[2])
local count, above = tonumber(ARGV[3]), number == ARGV[5] and tonumber(ARGV[4]) or 0
local function told(last)
  return { last, tonumber(number), string.format('%.0f', from), shards }
end

if shard >= shards then return told(0) end
jumpIfPromoted(base, counter)
local last = redis.call('GET', base .. 'ids:end')
if last and ARGV[7] == 'skip' then
  -- The next layout is to begin above these, too.
  redis.call('INCRBY', base .. 'ids:end', count)
elseif last then
  local at = tonumber(redis.call('GET', counter) or 0)
  if at < above then at = above + JUMP end
  if at + count > tonumber(last) then return told(0) end
end
return told((takeNumbers(base, ARGV[2], count, above)))
