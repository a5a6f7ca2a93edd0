--[[
  Writes one record if it is still the one that was read. What is noted of its latest judgement stays, but for its kind:
  the record is no longer what that judgement left, so the resync has the node judged again.
  KEYS[1] records  KEYS[2] attention  KEYS[3] judged  KEYS[4] tally
  ARGV[1] name  ARGV[2] version read  ARGV[3] record JSON  ARGV[4] '1' when it needs attention  ARGV[5] kind of the record
  ARGV[6] text of the kind
  Output: 1 written, 0 somebody was faster
]]
local function versionOf(current)
  if not current then return '0' end
  local version = string.match(current, '^(%d+) ')
  -- A number so large that adding one may not change it would guard nothing.
  return version and tonumber(version) < 9007199254740991 and version or 'damaged'
end

-- A record made anew never starts at a version that an older one of the same name had: nobody can mistake the two.
local function versionAfter(version)
  if version ~= '0' and version ~= 'damaged' then return string.format('%.0f', tonumber(version) + 1) end
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000000 + time[2])
end

local current = redis.call('HGET', KEYS[1], ARGV[1])
local version = versionOf(current)
if version ~= ARGV[2] then
  -- The same write arriving again: the client lost the reply of the first one and sent the command anew.
  if version ~= 'damaged' and current and string.match(current, '^%d+ (.*)$') == ARGV[3] then return 1 end
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], versionAfter(version) .. ' ' .. ARGV[3])
if ARGV[4] == '1' then redis.call('SADD', KEYS[2], ARGV[1]) else redis.call('SREM', KEYS[2], ARGV[1]) end

-- As in commit: bytes that nobody could have written must not keep a record from being written.
local before = redis.pcall('HGET', KEYS[3], ARGV[1])
local rest, old
if type(before) == 'string' then rest, old = string.match(before, '^(.* )(%x+)$') end
if old ~= ARGV[5] then
  if old then
    local left = redis.pcall('HINCRBY', KEYS[4], 'n:' .. old, -1)
    if type(left) == 'number' and left <= 0 then redis.pcall('HDEL', KEYS[4], 'n:' .. old, 't:' .. old) end
  end
  redis.pcall('HINCRBY', KEYS[4], 'n:' .. ARGV[5], 1)
  redis.pcall('HSET', KEYS[4], 't:' .. ARGV[5], ARGV[6])
  redis.pcall('HSET', KEYS[3], ARGV[1], (rest or '- - 0 - ') .. ARGV[5])
end
return 1
