-- A word (a timer's own key, an idempotency key) has its home in the shard to which it leads. When shards are added, the home of
-- some words changes. A shard records the layout that it follows; from then on it takes no word any more that has its home
-- elsewhere, unless it has it: whoever has a word keeps it until it is forgotten (packages/queue/src/shards/layouts.ts).

-- What is answered of a word that is not here, and whose home this was up to the layout `upTo`: nil where it may be taken
-- here. '' where there is no word.
local function movedOn(base, upTo)
  if not upTo or upTo == '' then return nil end
  local recorded = redis.call('GET', base .. 'layout')
  if tonumber(string.match(recorded or '0', '^%d+')) <= tonumber(upTo) then return nil end
  return { 'moved', recorded or '' }
end
