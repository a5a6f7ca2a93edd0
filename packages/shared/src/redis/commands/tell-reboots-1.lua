--[[
  Writes what jobs show of themselves, many at once.
  KEYS[1] the queue, which is the prefix of its keys: all of them are in the slot of the cluster's hash tag
  ARGV per job: id, progress JSON
  Output: how many of them exist
]]
local told = 0
for i = 1, #ARGV, 2 do
  local key = KEYS[1] .. ':' .. ARGV[i]
  if redis.call('TYPE', key).ok == 'hash' then
    redis.call('HSET', key, 'progress', ARGV[i + 1])
    told = told + 1
  end
end
return told
