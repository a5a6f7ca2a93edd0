--[[
  Commits judged nodes, per node all or nothing: the record is written only if it is still the one that was read, and
  the dirty mark is cleared only if the judged snapshot is still the newest. What was judged is noted beside it, for the
  resync to compare: `<fingerprint of the snapshot> <digest of the record> <attention> <rules> <kind>`.
  KEYS[1] records  KEYS[2] versions  KEYS[3] dirty  KEYS[4] attention  KEYS[5] judged
  KEYS[6] tally: per kind of record `n:<kind>` how many there are and `t:<kind>` what the gauges count of one
  ARGV[1] rules by which was judged  ARGV[2] number of kinds  ARGV per kind: kind, text
  ARGV per node: name, op ('write' | 'keep' | 'delete' | 'discard' of an unreadable snapshot), version of the record
                 read, new record JSON, version of the snapshot judged ('' for none), '1' / '0' / 'keep': whether it
                 needs attention, kind of its record ('' for unknown)
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

local texts = {}
for i = 3, 2 + 2 * ARGV[2], 2 do texts[ARGV[i]] = ARGV[i + 1] end

-- Notes and tally are made anew by the resync: bytes that nobody could have written must not keep a record from its commit.
local function count(kind, by)
  local left = redis.pcall('HINCRBY', KEYS[6], 'n:' .. kind, by)
  if by > 0 then redis.pcall('HSET', KEYS[6], 't:' .. kind, texts[kind]) end
  if type(left) == 'number' and left <= 0 then redis.pcall('HDEL', KEYS[6], 'n:' .. kind, 't:' .. kind) end
end

local function note(name, text, kind)
  local before = redis.pcall('HGET', KEYS[5], name)
  if before == text then return end
  local old = type(before) == 'string' and string.match(before, ' (%x+)$')
  if old ~= kind then
    if old then count(old, -1) end
    if kind then count(kind, 1) end
  end
  if text then redis.pcall('HSET', KEYS[5], name, text) else redis.pcall('HDEL', KEYS[5], name) end
end

local out = {}
for i = 3 + 2 * ARGV[2], #ARGV, 7 do
  local name, op, seen, json, judged, attention, kind =
    ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]
  local current = redis.call('HGET', KEYS[1], name)
  local version = versionOf(current)
  local newest = redis.call('HGET', KEYS[2], name) or ''
  -- The same write arriving again: the client lost the reply of the first one and sent the command anew.
  local again = op == 'write' and version ~= 'damaged' and current and string.match(current, '^%d+ (.*)$') == json
  if not again and (version ~= seen or (op == 'delete' and newest ~= 'gone')) then
    out[#out + 1] = 0
  else
    if op == 'write' and not again then
      current = versionAfter(version) .. ' ' .. json
      redis.call('HSET', KEYS[1], name, current)
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
    if op == 'delete' then
      note(name)
    elseif kind ~= '' then
      local fingerprint = string.match(judged, '(%S+)$') or '-'
      local digest = string.sub(redis.sha1hex(current), 1, 12)
      note(name, table.concat({ fingerprint, digest, attention, ARGV[1], kind }, ' '), kind)
    end
    if newest == judged then redis.call('SREM', KEYS[3], name) end
    out[#out + 1] = 1
  end
end
return out
