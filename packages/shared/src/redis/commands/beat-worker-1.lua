--[[
  A sign of life of one worker, in a hash of workers: id -> `<instant> <JSON>`. Workers that were silent for too long are
  forgotten, and so is whatever no worker wrote.
  KEYS[1] workers
  ARGV[1] id  ARGV[2] what it says of itself, JSON  ARGV[3] silence after which a worker is forgotten (ms)
  Output: { now, (id, JSON)* }, of all workers that are left
]]
-- Bytes of another type cannot be read: the list is made anew by those who live.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local out = { string.format('%.0f', now), ARGV[1], ARGV[2] }
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '^(%d+) ') or '')
  -- An instant of the future: the clock ran back, and who lives says so again.
  if not at or at > now or now - at > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    out[#out + 1] = all[i]
    out[#out + 1] = string.match(all[i + 1], '^%d+ (.*)$')
  end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
return out
