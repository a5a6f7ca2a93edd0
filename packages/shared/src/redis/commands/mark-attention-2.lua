--[[
  Marks every node of a shard that needs attention for another judgement.
  KEYS[1] attention  KEYS[2] dirty
  Output: number of dirty nodes in the shard, old ones included
]]
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SUNIONSTORE', KEYS[2], KEYS[2], KEYS[1]) end
return redis.call('SCARD', KEYS[2])
