-- What few timers have: a key, labels, an end to their validity, somebody to call back. '' where it is not given.
local function adorn(base, id, owner, dueAt, key, labels, expires, callback)
  local fields = {}
  for name, value in pairs({ ky = key, lb = labels, xi = expires, cb = callback }) do
    if value ~= '' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  if #fields > 0 then redis.call('HSET', base .. id, unpack(fields)) end
  if key ~= '' then redis.call('SET', base .. 'k:' .. owner .. ':' .. key, id) end
  index(base, id, owner, labels, dueAt)
end
