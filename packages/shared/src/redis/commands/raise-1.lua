--[[
  A number that only grows.
  KEYS[1] the number
  ARGV[1] the number to raise it to; '0' only reads
  Output: the highest number so far, as a string
]]
local current = tonumber(redis.call('GET', KEYS[1]) or '') or 0
local wanted = tonumber(ARGV[1])
if wanted > current then
  redis.call('SET', KEYS[1], string.format('%.0f', wanted))
  current = wanted
end
return string.format('%.0f', current)
