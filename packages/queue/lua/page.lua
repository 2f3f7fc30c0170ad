--[[
  Reads on in several sorted sets, all as they are at one moment, from a place in the order of (due time, job id as
  text). Changes nothing.

  Redis keeps members of equal scores in the order of their texts, but finds a place among them by its number only: it
  is searched for by halves, so that a hundred thousand timers of one millisecond cost 17 looks.

  KEYS      sorted sets: those that are read, and those whose members are left out
  ARGV[1]   'asc' or 'desc'
  ARGV[2]   due time of the place that was reached, epoch ms
  ARGV[3]   its job id; '' comes before all ids
  ARGV[4]   most members to look at in each set
  ARGV[5..] for each set to read: the number of its key, its score for one millisecond, and the numbers of the keys
            whose members are left out; separated by spaces

  Returns for each set a list: 1 where there is more of it else 0; id and score of the last member that was looked at,
  left out or not ('' where there is none); then id and score of each that is not left out, in order.
]]
local desc, due, id, most = ARGV[1] == 'desc', tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

-- How many members of a set come before the place; on the way up it counts itself.
local function countBefore(set, score)
  local low = redis.call('ZCOUNT', set, '-inf', '(' .. score)
  if id == '' then return low end
  local high = low + redis.call('ZCOUNT', set, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local member = redis.call('ZRANGE', set, middle, middle)[1]
    if member < id or (member == id and not desc) then low = middle + 1 else high = middle end
  end
  return low
end

-- Members (with their scores) from the place on, and whether there are more.
local function readOn(set, score)
  local before = countBefore(set, score)
  if desc then
    if before == 0 then return {}, 0 end
    local size = redis.call('ZCARD', set)
    local from = size - before
    return redis.call('ZREVRANGE', set, from, from + most - 1, 'WITHSCORES'), before > most and 1 or 0
  end
  local found = redis.call('ZRANGE', set, before, before + most - 1, 'WITHSCORES')
  local more = #found == 2 * most and redis.call('ZCARD', set) > before + most
  return found, more and 1 or 0
end

local function without(found, others)
  local out = {}
  for at = 1, #found, 2 do out[#out + 1] = found[at] end
  local hidden = {}
  for _, other in ipairs(others) do
    if #out > 0 and redis.call('EXISTS', other) == 1 then
      for at, score in ipairs(redis.call('ZMSCORE', other, unpack(out))) do
        if score then hidden[at] = true end
      end
    end
  end
  if not next(hidden) then return found end
  local left = {}
  for at = 1, #out do
    if not hidden[at] then
      left[#left + 1] = found[2 * at - 1]
      left[#left + 1] = found[2 * at]
    end
  end
  return left
end

local answer = {}
for at = 5, #ARGV do
  local numbers = {}
  for number in string.gmatch(ARGV[at], '%d+') do numbers[#numbers + 1] = tonumber(number) end
  local others = {}
  for each = 3, #numbers do others[#others + 1] = KEYS[numbers[each]] end
  local found, more = readOn(KEYS[numbers[1]], string.format('%.17g', due * numbers[2]))
  local part = { more, found[#found - 1] or '', found[#found] or '' }
  for _, each in ipairs(without(found, others)) do part[#part + 1] = each end
  answer[#answer + 1] = part
end
return answer
