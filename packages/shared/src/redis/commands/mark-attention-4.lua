--[[
  Marks every node of a shard that needs attention for another judgement. Attention is found anew in the records, so that
  it heals when it was lost; a record that cannot be read needs it too. So does a node whose record was lost while its
  snapshot was not: a dead node sends no event that would bring it back to mind.
  Of an audited shard every node is marked: a record and a snapshot that do not belong together, whoever wrote them, are
  judged anew, though nobody needs attention by what is written there.
  KEYS[1] attention  KEYS[2] dirty  KEYS[3] records  KEYS[4] versions
  ARGV[1] '1' when the shard is audited
  Output: { number of dirty nodes in the shard, old ones included; 1 when records of another type were thrown away, else 0 }
]]
-- Bytes of another type are thrown away. Records too, but only here, where every node without one is judged anew, and
-- where it is told; all other scripts fail on them. What they said of wait windows stands in the ledger as well.
local thrown = 0
for i, expected in ipairs({ 'set', 'set', 'hash' }) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= expected and kind ~= 'none' then
    redis.call('DEL', KEYS[i])
    if i == 3 then thrown = 1 end
  end
end

local records = redis.call('HGETALL', KEYS[3])
for i = 1, #records, 2 do
  -- In JSON no text inside a string can look like this: its quotes would be escaped.
  if not string.find(records[i + 1], '"phase":"Healthy"', 1, true) then redis.call('SADD', KEYS[1], records[i]) end
end
if redis.call('TYPE', KEYS[4]).ok == 'hash' then
  for _, name in ipairs(redis.call('HKEYS', KEYS[4])) do
    if ARGV[1] == '1' or redis.call('HEXISTS', KEYS[3], name) == 0 then redis.call('SADD', KEYS[2], name) end
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SUNIONSTORE', KEYS[2], KEYS[2], KEYS[1]) end
return { redis.call('SCARD', KEYS[2]), thrown }
