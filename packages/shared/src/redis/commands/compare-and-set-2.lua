--[[
  Writes one record if it is still the one that was read.
  KEYS[1] records  KEYS[2] attention
  ARGV[1] name  ARGV[2] version read  ARGV[3] record JSON  ARGV[4] '1' when it needs attention
  Output: 1 written, 0 somebody was faster
]]
local current = redis.call('HGET', KEYS[1], ARGV[1])
local version = current and (string.match(current, '^(%d+) ') or 'damaged') or '0'
if version ~= ARGV[2] then
  -- The same write arriving again: the client lost the reply of the first one and sent the command anew.
  if current and string.match(current, '^%d+ (.*)$') == ARGV[3] then return 1 end
  return 0
end
local nextVersion = version == 'damaged' and 1 or tonumber(version) + 1
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', nextVersion) .. ' ' .. ARGV[3])
if ARGV[4] == '1' then redis.call('SADD', KEYS[2], ARGV[1]) else redis.call('SREM', KEYS[2], ARGV[1]) end
return 1
