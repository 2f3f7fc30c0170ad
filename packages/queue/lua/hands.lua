--[[
  Reads a part of the jobs that wait for a worker or are in the hands of one. Changes nothing.

  KEYS[1]  wait (list)
  KEYS[2]  active (list)
  KEYS[3]  held (sorted set)
  ARGV[1]  first part of a job's key
  ARGV[2]  number of the first one to look at, 0 for the first
  ARGV[3]  most to look at

  Returns what `inHand` does (includes/in-hand.lua).
]]
return inHand(KEYS[1], KEYS[2], KEYS[3], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
