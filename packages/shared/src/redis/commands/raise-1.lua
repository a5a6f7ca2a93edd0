--[[
  A number that only grows. What stands there and cannot be one (no whole number, or higher than one write of the ledger
  per millisecond since 1970) counts as none: the next raise replaces it, so that it does not hide those that follow.
  KEYS[1] the number
  ARGV[1] the number to raise it to; '0' only reads
  Output: the highest number so far, as a string
]]
-- Bytes of another type are thrown away: the number is a hint, the ledger is the authority.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'string' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = redis.call('GET', KEYS[1]) or ''
-- Lua would also read 'nan', 'inf' and '0x10'.
local current = #text <= 15 and string.match(text, '^%d+$') and tonumber(text) or 0
if current > now then current = 0 end
local wanted = tonumber(ARGV[1])
if wanted > current then
  redis.call('SET', KEYS[1], string.format('%.0f', wanted))
  current = wanted
end
return string.format('%.0f', current)
