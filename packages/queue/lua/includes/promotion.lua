-- Which due jobs BullMQ's promotion moves from `delayed` to `wait` in the step that fetches one
-- (docs/adr/0010-after-a-downtime.md). It takes the tail of `wait` after that, so the first of the answer is the next.

-- `wait` is a list that nobody can choose from: it is filled up only when it holds fewer than this, and so never with
-- more than 29 by promotion.
local FEW = 10
-- Promoted in a step; even. A thousand, as BullMQ has it, keep Redis busy for milliseconds.
local STEP = 20
-- One that has been due for longer is a backlog, ms. A burst is through by then, or else has a second's start.
local BACKLOG_MS = 1000

-- The oldest; and where there is a backlog, the oldest and the newest in turn.
local function jobsToPromote(delayed, wait, now)
  if redis.call('LLEN', wait) >= FEW then return {} end
  local due = (now + 1) * 0x1000 - 1
  local jobs = redis.call('ZRANGEBYSCORE', delayed, 0, due, 'LIMIT', 0, STEP)
  if #jobs < STEP then return jobs end
  if tonumber(redis.call('ZSCORE', delayed, jobs[1])) > (now - BACKLOG_MS) * 0x1000 then return jobs end
  -- At least twenty are due: the ten at one end are not those at the other.
  local newest = redis.call('ZREVRANGEBYSCORE', delayed, due, 0, 'LIMIT', 0, STEP / 2)
  for at = STEP / 2, 1, -1 do
    jobs[2 * at - 1], jobs[2 * at] = jobs[at], newest[at]
  end
  return jobs
end

