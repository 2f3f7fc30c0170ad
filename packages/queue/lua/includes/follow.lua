-- Makes the shard follow a layout, '<number>:<from>:<shards>', unless it follows that one or a later one already. The numbers of
-- the one before end here, and with it what bounds them.
local function follow(base, layout)
  local recorded = redis.call('GET', base .. 'layout')
  local now, new = string.match(recorded or '0', '^%d+'), string.match(layout, '^%d+')
  if tonumber(new) <= tonumber(now) then return recorded or '' end
  redis.call('SET', base .. 'layout', layout)
  redis.call('DEL', base .. 'ids:end')
  return layout
end
