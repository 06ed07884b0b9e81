-- Removes what is left of an attempt at a task that is gone, or is not active any more.
local function clean_up(id)
  redis.call('ZREM', lease, id)
  redis.call('LREM', active, 0, id)
end
