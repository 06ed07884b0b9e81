-- Message and state of a task, and whether its key may be deleted as a stub if it has no message. A key of another type
-- counts as missing, but is not ours to delete. `other` is any key of the same slot.
local function read_task(task, other)
  local fields = redis.pcall('HMGET', task, 'msg', 'state')
  if fields.err then
    slot_is_moving = slot_is_moving or is_refused(fields)
    return false, false, false
  elseif not fields[1] then
    look_for_move(task, other)
  end
  return fields[1], fields[2], true
end
