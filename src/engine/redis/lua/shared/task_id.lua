-- Whether `id` is taken. A hash without a message is what a Go peer leaves of an id that it took from `pending`
-- after its task was gone; the id is free, once what pins it to `active` is gone too.
local function is_taken(task, id)
  if redis.call('EXISTS', task) == 0 then
    return false
  end
  -- An error: a key of another type stands there.
  if redis.pcall('HEXISTS', task, 'msg') ~= 0 then
    return true
  end
  clean_up(id)
  redis.call('DEL', task)
  return false
end
