--[[
  The observation clock: adds the time in which the cluster was really watched. A gap longer than the limit was blind
  and adds nothing. Several watchers may beat; the clock never runs faster than time.
  KEYS[1] view: observed (ms in total), until (the instant up to which the cluster was seen)
  ARGV[1] age: how long ago the caller surely saw the cluster (ms)  ARGV[2] the longest gap that still counts (ms)
  Output: { now, observed, until } as strings
]]
local function count(text)
  -- Lua would also read 'nan', 'inf', '0x10' and numbers too large to count on.
  if text and #text <= 15 and string.match(text, '^%d+$') then return tonumber(text) end
end

-- Bytes of another type cannot be read and guard nothing: the clock starts anew.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen = redis.call('HMGET', KEYS[1], 'observed', 'until')
local observed, last = count(seen[1]) or 0, count(seen[2])
-- A clock that ran back, or bytes nobody could have written: start anew rather than trust them.
if last and last > now then last = nil end
local upTo = math.max(now - tonumber(ARGV[1]), last or 0)
if last and upTo - last <= tonumber(ARGV[2]) then observed = observed + upTo - last end
redis.call('HSET', KEYS[1], 'observed', string.format('%.0f', observed), 'until', string.format('%.0f', upTo))
return { string.format('%.0f', now), string.format('%.0f', observed), string.format('%.0f', upTo) }
