-- Whether a task says that it is in `state`; a key of another type says nothing. `other` is any key of the same slot.
local function is_in_state(task, state, other)
  local found = redis.pcall('HGET', task, 'state')
  if not found then
    look_for_move(task, other)
  elseif is_refused(found) then
    slot_is_moving = true
  end
  return found == state
end
