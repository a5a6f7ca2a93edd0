--[[
  One record with the view it is to be read under.
  KEYS[1] records  KEYS[2] view
  ARGV[1] name
  Output: { now, observed, until, record }, '' for what is missing
]]
local time = redis.call('TIME')
local view = redis.call('HMGET', KEYS[2], 'observed', 'until')
return {
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)),
  view[1] or '', view[2] or '',
  redis.call('HGET', KEYS[1], ARGV[1]) or ''
}
