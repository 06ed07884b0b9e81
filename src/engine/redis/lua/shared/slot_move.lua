-- A key that a script finds by itself is not declared to Redis. While its slot moves, the old node refuses to look for
-- one that has left; the new one answers as if one that has not arrived did not exist, and only refuses a command of
-- two keys. Nothing is missing for good, then, and nothing may be created, before both keys were found to be here.
local slot_is_moving = false

local function is_refused(reply)
  return type(reply) == 'table' and reply.err and string.find(reply.err, 'non local key', 1, true)
end

-- To be asked of a key that reads as missing; `other` is any of the same slot.
local function look_for_move(key, other)
  if is_refused(redis.pcall('EXISTS', key, other)) then
    slot_is_moving = true
  end
end

local function try_again()
  return redis.error_reply('TRYAGAIN keys are on the move')
end
