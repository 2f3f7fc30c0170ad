--[[
  Writes what came of an attempt, and puts the timer where it belongs then: among the finished ones, or among the
  delayed ones until its next attempt. One step: no crash leaves one without the other.

  The first word on an attempt stands, with one exception: who claimed an attempt and was given up for lost may still
  tell what really happened. That corrects the timer's status. Two things it does not do: undo a redrive, and send what
  was told to be `unknown`. A request that turns out never to have left ends such a timer as `failed`. What a person said
  of an `unknown` timer (resolve) stands, too.

  The lock is not asked for: an outcome that is known is written, also by a worker that lost the job meanwhile. A job
  that another worker holds stays in its hands: it finds here what is true.

  KEYS[1]  the job's hash
  KEYS[2]  the job's lock
  KEYS[3]  stalled (set)
  KEYS[4]  active (list)
  KEYS[5]  delayed (sorted set)
  KEYS[6]  marker (sorted set)
  KEYS[7]  held (sorted set)
  KEYS[8]  wait (list)
  ARGV[1]  the job's id
  ARGV[2]  token of this worker's lock
  ARGV[3]  now, epoch ms
  ARGV[4]  number of the attempt, or '0': no outcome is told, only the place is put right
  ARGV[5]  nonce of the claim, or '' when the attempt is another worker's that was given up for lost
  ARGV[6]  entry for the log: one line of JSON
  ARGV[7]  final status that follows, or ''
  ARGV[8]  time of the next attempt that follows, epoch ms, or ''
  ARGV[9]  when the request left, epoch ms, or ''
  ARGV[10] what came of it, in words, for operators who look at the failed ones
  ARGV[11] how many entries the log keeps
  ARGV[12] when the attempt began, epoch ms: the first one starts the retry budget
  ARGV[13] '<shard>:<shards of the first layout>'
  ARGV[14] who is told of all events: JSON, or ''
  ARGV[15] which taking of the job this is: its field 'ats' as this worker has read it

  Returns { final status or '', 1 if it was this outcome that decided else 0 }, as they are true after the call; { }
  when there is no such timer any more.
]]
local job, lock, stalled, active, delayed, marker, held, wait = unpack(KEYS)
local id, token, now, attempt, nonce, entry = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local status, nextAt, leftAt, reason, keep = ARGV[7], ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11])

local there, st, nx, an, budget, heldBy, due, labels, cb, callback, takings = unpack(
  redis.call('HMGET', job, 'timestamp', 'st', 'nx', 'an', 'bg', 'hb', 'du', 'lb', 'cb', 'cf', 'ats'))
if not there then return {} end
local made = tonumber(an or 0)
-- What only timers have that were tried before.
local claim, log, first, resolved
if an then claim, log, first, resolved = unpack(redis.call('HMGET', job, 'ca', 'lg', 'fa', 'rs')) end
local base = string.sub(job, 1, -1 - #id)
local before, waited = st, nx

-- What is to be written, in one command each: every one costs time and a place in the append-only file.
-- (A table that begins with its size need not grow.)
local set, written, unset = { nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil }, 0, {}
local function write(field, value)
  set[written + 1] = field
  set[written + 2] = value
  written = written + 2
end

-- Of format 1, and not upgraded yet.
if not due then due = seldom().dueBefore(there, redis.call('HGET', job, 'opts')) end

local function tell(lines)
  while #lines > keep do table.remove(lines, 1) end
  write('lg', table.concat(lines, '\n'))
  write('an', math.max(made, attempt))
  -- The first that left, also where it is told of later.
  if leftAt ~= '' and (not first or tonumber(leftAt) < tonumber(first)) then write('fa', leftAt) end
end

local function follow()
  if status ~= '' then
    write('st', status)
  elseif st then
    unset[#unset + 1] = 'st'
  end
  if nextAt ~= '' then
    write('nx', nextAt)
  elseif nx then
    unset[#unset + 1] = 'nx'
  end
  st, nx = status ~= '' and status, nextAt ~= '' and nextAt
end

local function logged()
  local lines = {}
  if not log then return lines end
  for line in string.gmatch(log, '[^\n]+') do lines[#lines + 1] = line end
  return lines
end

-- Whether it is this worker that claimed the attempt which is the last one under way, with no redrive since.
local function isLastClaim()
  local number, by = string.match(claim or '', '^(%d+):([^:]+):')
  local before = tonumber(string.match(budget or '0', '^%d+'))
  return made == attempt and attempt > before and tonumber(number) == attempt and by == nonce
end

local decided = false
if attempt > made then
  local lines = logged()
  lines[#lines + 1] = entry
  tell(lines)
  if not budget then write('bg', '0:' .. ARGV[12]) end
  follow()
  decided = true
elseif nonce ~= '' then
  local lines = logged()
  for at = #lines, 1, -1 do
    local line = cjson.decode(lines[at])
    if line.n == attempt then
      if line.o == 'interrupted' then
        lines[at] = entry
        tell(lines)
        -- Not where a later attempt is under way already: then that one decides.
        if isLastClaim() and not resolved then
          if st == 'unknown' and status == '' then status, nextAt = 'failed', '' end
          follow()
          decided = true
        end
      end
      break
    end
  end
end

-- Also where another holds it: what it waited for is no more.
if decided and waited then seldom().endWait(base, id, waited) end
local holder = redis.call('GET', lock)
local mine = holder == token and (takings or '') == ARGV[15]
-- Nobody's: it lies in one of these. Where another holds it, that one finds here what is true.
local stray = decided and not holder
if stray then
  if before and seldom().unfinish(base, id, before) then
    for _, field in ipairs({ 'failedReason', 'stacktrace', 'finishedOn' }) do unset[#unset + 1] = field end
  elseif redis.call('ZREM', delayed, id) == 0 and redis.call('LREM', active, 1, id) == 0 then
    redis.call('LREM', wait, 1, id)
  end
end
if mine or stray then
  -- First to where it goes: an error between the two leaves it on both, never on none.
  if heldBy then seldom().release(job, held, id, heldBy) end
  if callback and st == 'fired' then
    -- Delivered: it goes, whole, when all else is written.
  elseif st then
    -- Where somebody only puts it in its place, the reason is known already.
    if st ~= 'fired' and attempt > 0 then write('failedReason', st .. ': ' .. reason) end
    write('finishedOn', now)
    finish(base, id, st, now, due, callback)
    if labels then seldom().unindex(base, id, redis.call('HGET', job, 'ow') or '', labels) end
  else
    seldom().delay(delayed, marker, id, tonumber(nx or now))
    if nx then redis.call('ZADD', base .. 'retries', due, id) end
  end
end
if #unset > 0 then redis.call('HDEL', job, unpack(unset)) end
if written > 0 then redis.call('HSET', job, unpack(set, 1, written)) end
if mine then letGo(lock, stalled, active, id) end
if callback and st == 'fired' and (mine or stray) then finish(base, id, st, now, due, callback) end
-- `unknown` that turns out to be `unknown` is no news.
if decided and st and st ~= before and (cb or ARGV[14] ~= '') and not callback then
  seldom().announce(base, id, st, now, cb, ARGV[13], ARGV[14])
end
return { st or '', decided and 1 or 0 }
