-- Gives a pending timer other content, another time, or both: what leaves after this is the new. Whoever has read the
-- old (a worker that holds it unclaimed) has it no more: the version is counted up, and claim.lua asks for it.
--
-- `change` is JSON, each member absent where nothing is to be another:
--   d  data, whole
--   s  members of data to be set, u  names of members of data to be taken away
--   t  due at, epoch ms
--   l  labels, separated by spaces, e  expires in, seconds, c  callback, JSON: '' takes it away
local function alter(base, id, change, nonce, marker)
  local job = base .. id
  local data, made, nextAt, heldBy, due, created, owner, labels, known = unpack(redis.call('HMGET', job,
    'data', 'an', 'nx', 'hb', 'du', 'timestamp', 'ow', 'lb', 'cn'))
  local delayed = base .. 'delayed'
  owner = owner or ''

  -- An attempt of the old that was given up for lost may still be told of, and decides nothing any more.
  local set, unset = { 'cn', withNonce(known, nonce) }, { 'ca' }
  local function write(field, value)
    if value == '' then
      unset[#unset + 1] = field
    else
      set[#set + 1] = field
      set[#set + 1] = value
    end
  end

  if change.d then write('data', change.d) end
  if change.s or change.u then
    local members = cjson.decode(data)
    for _, name in ipairs(change.u or {}) do members[name] = nil end
    for name, value in pairs(change.s or {}) do members[name] = value end
    write('data', cjson.encode(members))
  end
  if change.e then write('xi', change.e) end
  if change.c then write('cb', change.c) end

  local to = change.t or due
  local newLabels = change.l or labels or ''
  if labels and (change.l or change.t) then unindex(base, id, owner, labels) end
  if change.l then write('lb', change.l) end
  if change.l or change.t then index(base, id, owner, newLabels, to) end

  local at = tonumber(nextAt or due)
  if change.t then
    at = tonumber(to)
    local wait = string.format('%.0f', math.max(0, to - created))
    write('du', to)
    write('delay', wait)
    write('opts', '{"delay":' .. wait .. '}')
    if nextAt then
      endWait(base, id, nextAt)
      unset[#unset + 1] = 'nx'
      nextAt = false
    end
    -- What was tried before the new time does not count against it.
    if made then write('bg', made .. ':' .. to) end
  end

  redis.call('HDEL', job, unpack(unset))
  redis.call('HSET', job, unpack(set))
  redis.call('HINCRBY', job, 'vn', 1)
  release(job, base .. 'held', id, heldBy)
  takeOut(base, id)
  delay(delayed, marker, id, at)
  if nextAt then redis.call('ZADD', base .. 'retries', to, id) end
end
