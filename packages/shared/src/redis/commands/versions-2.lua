--[[
  What is stored of every node of a shard.
  KEYS[1] versions  KEYS[2] records
  Output: { { name, version, name, version ... }, { names that have a record } }; bytes of another type count as nothing
]]
local function whenHash(command, key)
  if redis.call('TYPE', key).ok ~= 'hash' then return {} end
  return redis.call(command, key)
end
return { whenHash('HGETALL', KEYS[1]), whenHash('HKEYS', KEYS[2]) }
