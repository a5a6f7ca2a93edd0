--[[
  The observation clock: adds the time in which the cluster was really watched. A gap longer than the limit was blind
  and adds nothing. Several watchers may beat; the clock never runs faster than time.
  KEYS[1] view: observed (ms in total), until (the instant up to which the cluster was seen), since (the instant from
          which on it was seen without a gap)
  ARGV[1] age: how long before ARGV[3] the caller surely saw the cluster (ms)  ARGV[2] the longest gap that still counts
          (ms)  ARGV[3] when the age was measured, '' for now
  Output: { now, observed, until, since } as strings
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
local seen = redis.call('HMGET', KEYS[1], 'observed', 'until', 'since')
local observed, last, since = count(seen[1]) or 0, count(seen[2]), count(seen[3])
-- A clock that ran back, or bytes nobody could have written: start anew rather than trust them.
if last and last > now then last = nil end
local upTo = math.max(math.min(now, tonumber(ARGV[3]) or now) - tonumber(ARGV[1]), last or 0)
local steady = last and upTo - last <= tonumber(ARGV[2])
if steady then observed = observed + upTo - last end
-- After a gap, or by bytes nobody could have written, it is seen only from now on.
if not steady or not since or since > upTo then since = upTo end
-- Nobody vouches for anything yet.
if upTo <= 0 then return { string.format('%.0f', now), string.format('%.0f', observed), '', '' } end
local answer = { string.format('%.0f', now), string.format('%.0f', observed), string.format('%.0f', upTo), string.format('%.0f', since) }
redis.call('HSET', KEYS[1], 'observed', answer[2], 'until', answer[3], 'since', answer[4])
return answer
