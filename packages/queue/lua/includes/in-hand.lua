-- Part of the jobs that wait for a worker or are in the hands of one: numbers `from` to `from + most - 1` of both lists in a
-- row. (In this row a job that is taken does not move: the last of `wait` becomes the first of `active`.)
--
-- Returns the length of both, and for each job: id, due at, since when it is due or due again, 1 where it is claimed else
-- 0, 1 where it is in `held` else 0, 1 where it is a callback else 0.
local function inHand(wait, active, held, prefix, from, most)
  local waiting = redis.call('LLEN', wait)
  local ids = {}
  if from < waiting then ids = redis.call('LRANGE', wait, from, from + most - 1) end
  if #ids < most then
    local first = math.max(0, from - waiting)
    for _, id in ipairs(redis.call('LRANGE', active, first, first + most - #ids - 1)) do ids[#ids + 1] = id end
  end
  local found = { waiting + redis.call('LLEN', active) }
  local anyHeld = redis.call('EXISTS', held) == 1
  for _, id in ipairs(ids) do
    local due, nextAt, made, claim, status, budget, about = unpack(
      redis.call('HMGET', prefix .. id, 'du', 'nx', 'an', 'ca', 'st', 'bg', 'cf'))
    if due then
      local before, redriven = string.match(budget or '', '^(%d+):(%d+)$')
      local since = math.max(tonumber(due), tonumber(nextAt or 0), before ~= '0' and tonumber(redriven or 0) or 0)
      local claimed = tonumber(string.match(claim or '', '^%d+')) == tonumber(made or 0) + 1
      found[#found + 1] = id
      found[#found + 1] = due
      found[#found + 1] = string.format('%.0f', since)
      found[#found + 1] = claimed and not status and 1 or 0
      found[#found + 1] = anyHeld and redis.call('ZSCORE', held, id) and 1 or 0
      found[#found + 1] = about and 1 or 0
    end
  end
  return found
end

