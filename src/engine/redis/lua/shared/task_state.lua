-- Whether a task says that it is in `state`; a key of another type says nothing. While a slot moves to another node
-- nobody can tell: TRYAGAIN.
local function is_in_state(task, state)
  local found = redis.pcall('HGET', task, 'state')
  if type(found) == 'table' and string.find(found.err, 'non local key', 1, true) then
    error('TRYAGAIN a task is on the move')
  end
  return found == state
end
