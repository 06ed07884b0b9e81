-- Message and state of a task, and whether its key may be deleted as a stub if it has no message. A key of another type
-- counts as missing, but is not ours to delete. While a slot moves to another node nobody can tell: TRYAGAIN.
local function read_task(task)
  local fields = redis.pcall('HMGET', task, 'msg', 'state')
  if not fields.err then
    return fields[1], fields[2], true
  elseif string.find(fields.err, 'non local key', 1, true) then
    error('TRYAGAIN a task is on the move')
  end
  return false, false, false
end
