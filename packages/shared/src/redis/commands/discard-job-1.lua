--[[
  Throws away one job that stands in the way of another: its hash, its places, and the deduplication key that keeps others
  from being added.
  KEYS[1] the queue, which is the prefix of its keys: all of them are in the slot of the cluster's hash tag
  ARGV[1] id of the job  ARGV[2] deduplication id
  Output: 1 thrown away, 0 it does not hold the deduplication id (any more): it ended meanwhile, as jobs do
]]
local base = KEYS[1] .. ':'
if redis.call('GET', base .. 'de:' .. ARGV[2]) ~= ARGV[1] then return 0 end
local removals = { list = { 'LREM', 0 }, zset = { 'ZREM' }, set = { 'SREM' } }
for _, name in ipairs({ 'wait', 'active', 'paused', 'delayed', 'prioritized', 'completed', 'failed', 'stalled' }) do
  local removal = removals[redis.call('TYPE', base .. name).ok]
  if removal and removal[2] then
    redis.call(removal[1], base .. name, removal[2], ARGV[1])
  elseif removal then
    redis.call(removal[1], base .. name, ARGV[1])
  end
end
local key = base .. ARGV[1]
redis.call('DEL', key, key .. ':lock', key .. ':logs', base .. 'de:' .. ARGV[2], base .. 'dn:' .. ARGV[2])
return 1
