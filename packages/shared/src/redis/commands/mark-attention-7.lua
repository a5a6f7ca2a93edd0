--[[
  Marks nodes of a shard for another judgement: each that needs attention, and each whose record is not what its newest
  snapshot, judged by the rules of a living worker, left behind. That compares what was noted at the commit, and judges
  nothing: a record that was lost, forged or written after a read of something else is found, whoever wrote it.
  Attention is found anew in the records, so that it heals when it was lost; a record that cannot be read needs it too.
  KEYS[1] attention  KEYS[2] dirty  KEYS[3] records  KEYS[4] versions  KEYS[5] judged  KEYS[6] tally  KEYS[7] workers
  Output: { number of dirty nodes in the shard, old ones included; 1 when records of another type were thrown away, else 0 }
]]
-- Bytes of another type are thrown away. Records too, but only here, where every node without one is judged anew, and
-- where it is told; commits fail on them. What they said of wait windows stands in the ledger as well.
local thrown = 0
for i, expected in pairs({ 'set', 'set', 'hash', nil, 'hash', 'hash' }) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= expected and kind ~= 'none' then
    redis.call('DEL', KEYS[i])
    if i == 3 then thrown = 1 end
  end
end

local function mapOf(key)
  local map = {}
  if redis.call('TYPE', key).ok ~= 'hash' then return map end
  local list = redis.call('HGETALL', key)
  for i = 1, #list, 2 do map[list[i]] = list[i + 1] end
  return map
end

local function inPieces(command, key, list)
  for i = 1, #list, 1000 do redis.call(command, key, unpack(list, i, math.min(i + 999, #list))) end
end

local records, versions, judged, tally = mapOf(KEYS[3]), mapOf(KEYS[4]), mapOf(KEYS[5]), mapOf(KEYS[6])
-- Workers of a version that does not name its rules accept any.
local rulesAlive, alive = {}, false
for _, said in pairs(mapOf(KEYS[7])) do
  local rules = string.match(said, '"rules":"(%w+)"')
  if rules then rulesAlive[rules], alive = true, true end
end

local attention, dirty, counts, lost = {}, {}, {}, {}
for name, record in pairs(records) do
  -- In JSON no text inside a string can look like this: its quotes would be escaped.
  if not string.find(record, '"phase":"Healthy"', 1, true) then attention[#attention + 1] = name end
end
local sound = {}
for name, text in pairs(judged) do
  local fingerprint, digest, attended, rules, kind = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%x+)$')
  if not records[name] or not kind or not tally['t:' .. kind] then
    lost[#lost + 1] = name
  else
    counts[kind] = (counts[kind] or 0) + 1
    if attended == '1' then attention[#attention + 1] = name end
    sound[name] = (not alive or rulesAlive[rules])
      and digest == string.sub(redis.sha1hex(records[name]), 1, 12)
      and fingerprint
  end
end
for name, version in pairs(versions) do
  if not sound[name] or sound[name] ~= string.match(version, ' (%S+)$') then dirty[#dirty + 1] = name end
end
inPieces('SADD', KEYS[1], attention)
inPieces('SADD', KEYS[2], dirty)
inPieces('HDEL', KEYS[5], lost)
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SUNIONSTORE', KEYS[2], KEYS[2], KEYS[1]) end

-- Counts that were lost or doubled are put right, and kinds without a record go.
for field, value in pairs(tally) do
  local kind = string.match(field, '^[nt]:(%x+)$')
  if not kind or not counts[kind] then redis.call('HDEL', KEYS[6], field) end
end
for kind, count in pairs(counts) do
  if tally['n:' .. kind] ~= tostring(count) then redis.call('HSET', KEYS[6], 'n:' .. kind, count) end
end
return { redis.call('SCARD', KEYS[2]), thrown }
