--[[
  A slot in the sliding window of reboot calls, shared by all workers.
  KEYS[1] calls
  ARGV[1] token (takes one slot however often it asks)  ARGV[2] slots  ARGV[3] window (ms)
  Output: '' granted, else the instant at which the next slot is free
]]
-- Bytes of another type are thrown away: the limit is a courtesy to the cloud, budgets stand in the ledger.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
-- Slots of the future: the clock ran back. They count from now: held for a window, and not until the clock is there again.
for _, holder in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')) do
  redis.call('ZADD', KEYS[1], now, holder)
end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return '' end
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  return ''
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return string.format('%.0f', tonumber(oldest[2]) + window)
