--[[
  Some nodes of a shard that wait for judgement, with all that is needed to judge them.
  KEYS[1] dirty  KEYS[2] snapshots  KEYS[3] versions  KEYS[4] records  KEYS[5] view  KEYS[6] judged
  ARGV[1] how many at the most
  Output: { now, observed, until, since, (name, snapshot, version, record, '1' when this very snapshot was judged before and
          its record is no longer what that judgement left)* }, '' for what is missing
]]
-- A view that cannot be read is one that was never seen: nothing is rebooted until the next beat.
local function viewOf(key)
  if redis.call('TYPE', key).ok ~= 'hash' then return {} end
  return redis.call('HMGET', key, 'observed', 'until', 'since')
end

-- Bytes of another type are thrown away: all of this is built anew from what the watchers see. Of
-- records that is up to mark-attention.
for i, expected in ipairs({ 'set', 'hash', 'hash' }) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= expected and kind ~= 'none' then redis.call('DEL', KEYS[i]) end
end

local time = redis.call('TIME')
local view = viewOf(KEYS[5])
local out = { string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), view[1] or '', view[2] or '', view[3] or '' }
local names = redis.call('SRANDMEMBER', KEYS[1], ARGV[1])
if #names == 0 then return out end
local snapshots = redis.call('HMGET', KEYS[2], unpack(names))
local versions = redis.call('HMGET', KEYS[3], unpack(names))
local records = redis.call('HMGET', KEYS[4], unpack(names))
local judged = redis.pcall('HMGET', KEYS[6], unpack(names))
for i = 1, #names do
  local fingerprint, digest = string.match(judged[i] or '', '^(%S+) (%S+)')
  local isKnown = fingerprint and fingerprint == string.match(versions[i] or '', '(%S+)$')
  local rewritten = isKnown and digest ~= string.sub(redis.sha1hex(records[i] or ''), 1, 12)
  out[#out + 1] = names[i]
  out[#out + 1] = snapshots[i] or ''
  out[#out + 1] = versions[i] or ''
  -- An empty text is damage, not absence.
  out[#out + 1] = records[i] == '' and 'damaged' or records[i] or ''
  out[#out + 1] = rewritten and '1' or ''
end
return out
