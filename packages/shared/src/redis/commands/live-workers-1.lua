--[[
  The workers that gave a sign of life lately.
  KEYS[1] workers
  ARGV[1] silence after which a worker counts as gone (ms)
  Output: { (id, JSON)* }
]]
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local out = {}
for i = 1, #all, 2 do
  local instant, json = string.match(all[i + 1], '^(%d+) (.*)$')
  local at = tonumber(instant or '')
  if at and at <= now and now - at <= tonumber(ARGV[1]) then
    out[#out + 1] = all[i]
    out[#out + 1] = json
  end
end
return out
