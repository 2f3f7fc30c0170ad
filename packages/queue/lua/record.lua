--[[
  Writes what came of an attempt, and what follows from it.

  The first word on an attempt stands, with one exception: who claimed an attempt and was given up for lost may still
  tell what really happened. That corrects the timer's status, moves the job to the set it belongs to, and brings a
  timer back to life whose request turns out never to have left.

  The lock is not asked for: an outcome that is known is written, also by a worker that lost the job meanwhile.

  KEYS[1]  the job's hash
  KEYS[2]  the job's lock
  KEYS[3]  failed (sorted set)
  KEYS[4]  completed (sorted set)
  KEYS[5]  delayed (sorted set)
  KEYS[6]  marker (sorted set)
  ARGV[1]  token of this worker's lock
  ARGV[2]  number of the attempt
  ARGV[3]  nonce of the claim, or '' when the attempt is another worker's that was given up for lost
  ARGV[4]  entry for the log: one line of JSON
  ARGV[5]  final status that follows, or ''
  ARGV[6]  time of the next attempt that follows, epoch ms, or ''
  ARGV[7]  when the request left, epoch ms, or ''
  ARGV[8]  reason, for the failed set
  ARGV[9]  the job's id
  ARGV[10] how many entries the log keeps
  ARGV[11] when the attempt began, epoch ms: the first one starts the retry budget

  Returns { final status or '', next attempt at or '', 1 if this worker still holds the job else 0 }, as they are true
  after the call; { } when there is no such job any more.
]]
local job, lock, failed, completed, delayed, marker = unpack(KEYS)
local token, attempt, nonce, entry = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local status, nextAt, leftAt, reason, id, keep = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10])

if redis.call('EXISTS', job) == 0 then return {} end

local made, claim, log, first = unpack(redis.call('HMGET', job, 'an', 'ca', 'lg', 'fa'))
made = tonumber(made or 0)

local function lines()
  local all = {}
  for line in string.gmatch(log or '', '[^\n]+') do all[#all + 1] = line end
  return all
end

local function write(all)
  while #all > keep do table.remove(all, 1) end
  redis.call('HSET', job, 'lg', table.concat(all, '\n'), 'an', math.max(made, attempt))
  -- The first that left, also where it is told of later.
  if leftAt ~= '' and (not first or tonumber(leftAt) < tonumber(first)) then redis.call('HSET', job, 'fa', leftAt) end
end

local function follow()
  if status ~= '' then
    redis.call('HSET', job, 'st', status)
  else
    redis.call('HDEL', job, 'st')
  end
  if nextAt ~= '' then
    redis.call('HSET', job, 'nx', nextAt)
  else
    redis.call('HDEL', job, 'nx')
  end
end

-- Puts a job that was finished too early where it belongs now.
local function moveFinished()
  local finishedOn = redis.call('ZSCORE', failed, id)
  if not finishedOn then
    -- Who holds it is about to do what followed from the earlier word. Without the lock it cannot, and the job is
    -- handed on to someone who sees what is true now.
    if redis.call('GET', lock) ~= token then redis.call('DEL', lock) end
    return
  end
  if status == 'fired' then
    redis.call('ZREM', failed, id)
    redis.call('ZADD', completed, finishedOn, id)
    redis.call('HDEL', job, 'failedReason', 'stacktrace')
    redis.call('HSET', job, 'returnvalue', 'null')
  elseif status ~= '' then
    redis.call('HSET', job, 'failedReason', reason)
  else
    revive(job, failed, delayed, marker, id, tonumber(nextAt))
  end
end

if made < attempt then
  local all = lines()
  all[#all + 1] = entry
  write(all)
  redis.call('HSETNX', job, 'bg', '0:' .. ARGV[11])
  follow()
elseif nonce ~= '' then
  local all = lines()
  for at = #all, 1, -1 do
    local line = cjson.decode(all[at])
    if line.n == attempt then
      if line.o == 'interrupted' then
        all[at] = entry
        write(all)
        local claimed, by = string.match(claim or '', '^(%d+):([^:]+):')
        -- Not where a later attempt is under way already: then that one decides.
        if made == attempt and tonumber(claimed) == attempt and by == nonce then
          follow()
          moveFinished()
        end
      end
      break
    end
  end
end

local now = redis.call('HMGET', job, 'st', 'nx')
local held = redis.call('GET', lock) == token
return { now[1] or '', now[2] or '', held and 1 or 0 }
