--[[
  One record with the view it is to be read under.
  KEYS[1] records  KEYS[2] view
  ARGV[1] name
  Output: { now, observed, until, since, record }, '' for what is missing
]]
-- A view that cannot be read is one that was never seen: nothing is rebooted until the next beat.
local function viewOf(key)
  if redis.call('TYPE', key).ok ~= 'hash' then return {} end
  return redis.call('HMGET', key, 'observed', 'until', 'since')
end

local time = redis.call('TIME')
local view = viewOf(KEYS[2])
local record = redis.call('HGET', KEYS[1], ARGV[1])
return {
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)),
  view[1] or '', view[2] or '', view[3] or '',
  -- An empty text is damage, not absence.
  record == '' and 'damaged' or record or ''
}
