--[[
  Every job of a queue that has not ended, with what it shows of itself.
  KEYS[1] the queue, which is the prefix of its keys: all of them are in the slot of the cluster's hash tag
  Output: { (id, name, state, score, progress)* }; state is 'delayed', 'waiting' or 'active', score is '' unless delayed
]]
local base = KEYS[1] .. ':'
local out = {}

local function add(id, state, score)
  local key = base .. id
  -- Bytes of another type are no job: whoever needs one makes it anew.
  if redis.call('TYPE', key).ok ~= 'hash' then return end
  local job = redis.call('HMGET', key, 'name', 'progress')
  out[#out + 1] = id
  out[#out + 1] = job[1] or ''
  out[#out + 1] = state
  out[#out + 1] = score
  out[#out + 1] = job[2] or ''
end

if redis.call('TYPE', base .. 'delayed').ok == 'zset' then
  local delayed = redis.call('ZRANGE', base .. 'delayed', 0, -1, 'WITHSCORES')
  for i = 1, #delayed, 2 do add(delayed[i], 'delayed', delayed[i + 1]) end
end
for list, state in pairs({ wait = 'waiting', paused = 'waiting', active = 'active' }) do
  if redis.call('TYPE', base .. list).ok == 'list' then
    for _, id in ipairs(redis.call('LRANGE', base .. list, 0, -1)) do add(id, state, '') end
  end
end
return out
