--[[
  Which deduplication ids are surely held by the job that should hold them: its hash is that of the job as we add it, and
  it is delayed for no longer than any of ours, or waits. In doubt the answer is no, and so it is of a job that runs: what
  changed since it began may need another run. Nothing is changed.
  KEYS[1] the queue, which is the prefix of its keys: all of them are in the slot of the cluster's hash tag
  ARGV[1] the latest instant at which a delayed job can be due (ms)  ARGV per job: deduplication id, name, data JSON
  Output: per job 1 sound, 0 in doubt
]]
local base = KEYS[1] .. ':'
local places = {}
for i = 2, #ARGV, 3 do places[#places + 1] = base .. 'de:' .. ARGV[i] end
local ids = redis.pcall('MGET', unpack(places))
local out, held = {}, {}
for i = 1, #places do
  out[i] = 0
  if ids[i] then held[#held + 1] = ids[i] end
end
if #held == 0 then return out end

local scores, scoreOf = redis.pcall('ZMSCORE', base .. 'delayed', unpack(held)), {}
for i, id in ipairs(held) do scoreOf[id] = scores[i] end

local waiting
local function isWaiting(id)
  if not waiting then
    waiting = {}
    for _, other in ipairs(redis.pcall('LRANGE', base .. 'wait', 0, -1)) do waiting[other] = true end
  end
  return waiting[id]
end

local function isSound(id, name, data)
  local job = redis.pcall('HMGET', base .. id, 'name', 'data', 'opts', 'progress', 'stacktrace')
  if job[1] ~= name or job[2] ~= data then return false end
  for field = 3, 5 do
    if job[field] and not pcall(cjson.decode, job[field]) then return false end
  end
  -- BullMQ sorts by the time, shifted by 12 bits.
  if scoreOf[id] then return tonumber(scoreOf[id]) / 4096 < tonumber(ARGV[1]) end
  return isWaiting(id)
end

for i = 1, #places do
  if ids[i] and isSound(ids[i], ARGV[3 * i], ARGV[3 * i + 1]) then out[i] = 1 end
end
return out
