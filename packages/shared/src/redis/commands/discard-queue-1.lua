--[[
  Throws away a queue that cannot be worked with, whatever types its keys are of. Queues carry nothing but names: the
  next resync makes their jobs anew.
  KEYS[1] the queue, which is the prefix of its keys: all of them are in the slot of the cluster's hash tag
  ARGV    deduplication ids whose keys go too; those that the jobs name go anyway
  Output: 1
]]
local base = KEYS[1] .. ':'

local function forgetId(id)
  redis.call('DEL', base .. 'de:' .. id, base .. 'dn:' .. id)
end

local function forgetJobs(ids)
  for _, id in ipairs(ids) do
    local key = base .. id
    if redis.call('TYPE', key).ok == 'hash' then
      local deduplication = redis.call('HGET', key, 'deid')
      if deduplication then forgetId(deduplication) end
    end
    redis.call('DEL', key, key .. ':lock', key .. ':logs', key .. ':processed', key .. ':dependencies')
  end
end

for _, name in ipairs({ 'wait', 'active', 'paused', 'delayed', 'prioritized', 'completed', 'failed', 'stalled', 'waiting-children', 'repeat' }) do
  local kind = redis.call('TYPE', base .. name).ok
  if kind == 'list' then forgetJobs(redis.call('LRANGE', base .. name, 0, -1)) end
  if kind == 'zset' then forgetJobs(redis.call('ZRANGE', base .. name, 0, -1)) end
  if kind == 'zset' and name == 'repeat' then
    for _, id in ipairs(redis.call('ZRANGE', base .. name, 0, -1)) do redis.call('DEL', base .. 'repeat:' .. id) end
  end
  redis.call('DEL', base .. name)
end
for _, name in ipairs({ 'stalled-check', 'limiter', 'meta', 'events', 'pc', 'marker', 'metrics:completed', 'metrics:failed' }) do
  redis.call('DEL', base .. name)
end
for _, id in ipairs(ARGV) do forgetId(id) end
-- Never an id again that a job which nobody lists any more may still have.
local time = redis.call('TIME')
redis.call('SET', base .. 'id', string.format('%.0f', time[1] * 1000000 + time[2]))
return 1
