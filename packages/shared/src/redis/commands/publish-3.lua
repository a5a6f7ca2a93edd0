--[[
  Publishes snapshots: per node the newest resourceVersion wins; the same content only moves the version on.
  KEYS[1] snapshots  KEYS[2] versions  KEYS[3] dirty
  ARGV per node: name, resourceVersion, uid, fingerprint, snapshot JSON, the stored version that an older one may replace
                 as it stands ('' for none)
  Output: { nodes that brought something new, nodes that wait for judgement: those and the ones that waited already }
]]
local function newer(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- Bytes of another type are thrown away: all of this is built anew from what the watchers see.
for i, expected in ipairs({ 'hash', 'hash', 'set' }) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= expected and kind ~= 'none' then redis.call('DEL', KEYS[i]) end
end

local news, waiting = 0, 0
for i = 1, #ARGV, 6 do
  local name, rv, uid, fingerprint, json, over =
    ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local current = redis.call('HGET', KEYS[2], name)
  local currentRv, currentUid, currentFingerprint
  if current then currentRv, currentUid, currentFingerprint = string.match(current, '^(%d+) (%S+) (%S+)$') end
  if not currentRv or current == over or newer(rv, currentRv) then
    local same = currentUid == uid and currentFingerprint == fingerprint
    if not same or redis.call('HEXISTS', KEYS[1], name) == 0 then
      redis.call('HSET', KEYS[1], name, json)
      redis.call('SADD', KEYS[3], name)
      news = news + 1
      waiting = waiting + 1
    elseif redis.call('SISMEMBER', KEYS[3], name) == 1 then
      waiting = waiting + 1
    end
    redis.call('HSET', KEYS[2], name, rv .. ' ' .. uid .. ' ' .. fingerprint)
  end
end
return { news, waiting }
