--[[
  Says that a node no longer exists, unless something else was published since the caller looked. Absence of a version
  says nothing (it may have been lost); only the word `gone` lets a worker delete a record.
  KEYS[1] snapshots  KEYS[2] versions  KEYS[3] dirty
  ARGV[1] name  ARGV[2] the version the caller saw, '' for none
  Output: 1 removed and dirty, 0 somebody published something else
]]
-- Bytes of another type are thrown away: all of this is built anew from what the watchers see.
for i, expected in ipairs({ 'hash', 'hash', 'set' }) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= expected and kind ~= 'none' then redis.call('DEL', KEYS[i]) end
end

if (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], 'gone')
redis.call('SADD', KEYS[3], ARGV[1])
return 1
