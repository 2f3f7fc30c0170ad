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

  Returns { final status or '', next attempt at or '', 1 if this worker still holds the job else 0 }, as they are true
  after the call; { } when there is no such job any more.
]]
local job, lock, failed, completed, delayed, marker = unpack(KEYS)
local token, attempt, nonce, entry = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local status, nextAt, leftAt, reason, id, keep = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10])

if redis.call('EXISTS', job) == 0 then return {} end

local made, claim, log = unpack(redis.call('HMGET', job, 'an', 'ca', 'lg'))
made = tonumber(made or 0)

local function lines()
  local all = {}
  for line in string.gmatch(log or '', '[^\n]+') do all[#all + 1] = line end
  return all
end

local function write(all)
  while #all > keep do table.remove(all, 1) end
  redis.call('HSET', job, 'lg', table.concat(all, '\n'), 'an', math.max(made, attempt))
  if leftAt ~= '' then redis.call('HSETNX', job, 'fa', leftAt) end
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
  if not finishedOn then return end
  if status == 'fired' then
    redis.call('ZREM', failed, id)
    redis.call('ZADD', completed, finishedOn, id)
    redis.call('HDEL', job, 'failedReason', 'stacktrace')
    redis.call('HSET', job, 'returnvalue', 'null')
  elseif status ~= '' then
    redis.call('HSET', job, 'failedReason', reason)
  else
    redis.call('ZREM', failed, id)
    redis.call('HDEL', job, 'failedReason', 'stacktrace', 'finishedOn', 'processedOn')
    -- As BullMQ's getDelayedScore and addDelayMarkerIfNeeded do.
    redis.call('ZADD', delayed, tonumber(nextAt) * 0x1000, id)
    local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    redis.call('ZADD', marker, tonumber(first[2]) / 0x1000, '1')
  end
end

if made < attempt then
  local all = lines()
  all[#all + 1] = entry
  write(all)
  follow()
elseif made == attempt and nonce ~= '' then
  local all = lines()
  local last = all[#all] and cjson.decode(all[#all])
  if last and last.n == attempt and last.o == 'interrupted' then
    all[#all] = entry
    write(all)
    local claimed, by = string.match(claim or '', '^(%d+):([^:]+):')
    -- Not where a later attempt is under way already: then that one decides.
    if tonumber(claimed) == attempt and by == nonce then
      follow()
      moveFinished()
    end
  end
end

local now = redis.call('HMGET', job, 'st', 'nx')
local held = redis.call('GET', lock) == token
return { now[1] or '', now[2] or '', held and 1 or 0 }
