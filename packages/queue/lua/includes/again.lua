-- An answer that rests on what was written before writes it once more, and so changes nothing: replicas are to confirm this
-- answer, too, and from Redis 7.2 on WAIT speaks only of what its own connection has written
-- (packages/queue/src/nodes/acks.ts). Neither command needs memory: such an answer is also given when there is none left.
local NEVER = 253402300799000
local function writeAgain(job)
  redis.call('PEXPIREAT', job, NEVER)
  redis.call('PERSIST', job)
end
