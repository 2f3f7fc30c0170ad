-- Guards of idempotency keys: '@<fingerprint>:<number of the timer's shard>:<epoch ms>' in place of a job's id.

-- Longer than a create can be under way, ms: until then its timer may still come.
local function isYoung(at, now)
  return now - at < 10000
end

-- What a guard says to a request with this fingerprint; nothing where it is of the same.
local function judgeGuard(guard, fingerprint, now)
  local print, at = string.match(guard, '^@([^:]+):%d+:(%d+)$')
  if print == fingerprint then return nil end
  if isYoung(tonumber(at), tonumber(now)) then return { 'reused' } end
  return { 'doubt', guard }
end
