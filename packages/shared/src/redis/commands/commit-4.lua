--[[
  Commits judged nodes, per node all or nothing: the record is written only if it is still the one that was read, and
  the dirty mark is cleared only if the judged snapshot is still the newest.
  KEYS[1] records  KEYS[2] versions  KEYS[3] dirty  KEYS[4] attention
  ARGV per node: name, op ('write' | 'keep' | 'delete' | 'discard' of an unreadable snapshot), version of the record
                 read, new record JSON, version of the snapshot judged ('' for none), '1' / '0' / 'keep': whether it
                 needs attention
  Output: per node 1 committed, 0 refused
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

local out = {}
for i = 1, #ARGV, 6 do
  local name, op, seen, json, judged, attention =
    ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local current = redis.call('HGET', KEYS[1], name)
  local version = versionOf(current)
  local newest = redis.call('HGET', KEYS[2], name) or ''
  -- The same write arriving again: the client lost the reply of the first one and sent the command anew.
  local again = op == 'write' and version ~= 'damaged' and current and string.match(current, '^%d+ (.*)$') == json
  if not again and (version ~= seen or (op == 'delete' and newest ~= 'gone')) then
    out[#out + 1] = 0
  else
    if op == 'write' and not again then
      redis.call('HSET', KEYS[1], name, versionAfter(version) .. ' ' .. json)
    elseif op == 'delete' then
      redis.call('HDEL', KEYS[1], name)
      redis.call('HDEL', KEYS[2], name)
    elseif op == 'discard' and newest == judged then
      -- Without a version the next resync publishes the snapshot anew.
      redis.call('HDEL', KEYS[2], name)
    end
    if attention == 'keep' and op ~= 'delete' then
      -- An unchanged record keeps its mark.
    elseif op == 'delete' or attention == '0' then
      redis.call('SREM', KEYS[4], name)
    else
      redis.call('SADD', KEYS[4], name)
    end
    if newest == judged then redis.call('SREM', KEYS[3], name) end
    out[#out + 1] = 1
  end
end
return out
