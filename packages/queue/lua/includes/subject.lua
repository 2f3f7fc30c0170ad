-- What a command of a client asks of the timer that it is about.
--
-- A timer of format 1 has no 'du', and may hold a payload that Lua's JSON would not give back as it was. A command does
-- nothing to it and answers { 'old' }: it is brought into the present format, and the command comes again.

-- Whether a timer whose fields these are may be changed by a client of this owner. Callbacks are nobody's.
local function isOwners(owner, there, ow, cf)
  return there and (ow or '') == owner and not cf
end

-- The last commands that changed a timer, by their nonces: a command that is sent again is known by it. Those of clients
-- who gave a key of their own (they begin with '=') are kept longer, since they may come again at any time.
local KEPT, KEPT_LONG = 16, 1000

-- Whether this command was carried out before: 'done' where it is this very one, sent again by us because its reply was
-- lost; 'again' where the client sent another one under the same key ('=<digest of the key>/<nonce>').
local function carriedOut(known, nonce)
  if not known then return nil end
  local words = ' ' .. known .. ' '
  if string.find(words, ' ' .. nonce .. ' ', 1, true) then return 'done' end
  local key = string.match(nonce, '^=[^/]+/')
  return key and string.find(words, ' ' .. key, 1, true) and 'again' or nil
end

-- `added` is one, or some with spaces between them.
local function withNonce(known, added)
  local short, long = {}, {}
  for each in string.gmatch((known or '') .. ' ' .. added, '[^ ]+') do
    local kept, most = short, KEPT
    if string.sub(each, 1, 1) == '=' then kept, most = long, KEPT_LONG end
    if #kept == most then table.remove(kept, 1) end
    kept[#kept + 1] = each
  end
  for _, each in ipairs(short) do long[#long + 1] = each end
  return table.concat(long, ' ')
end

-- What a timer takes over of these from the one whose key it takes over: a change that is sent again finds it there.
local function inherited(known)
  local short = {}
  for each in string.gmatch(known or '', '[^ ]+') do
    if string.sub(each, 1, 1) ~= '=' then short[#short + 1] = each end
  end
  return #short > 0 and table.concat(short, ' ')
end

-- What is true of a timer: its fields 'st', 'an' and 'ca'.
local function statusOf(st, made, claim)
  if st then return st end
  local claimed = tonumber(string.match(claim or '', '^%d+'))
  return claimed == tonumber(made or 0) + 1 and 'firing' or 'pending'
end
