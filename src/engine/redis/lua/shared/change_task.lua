-- What an operator does to a task, docs/protocol.md 11.2: `change` is run, archive or delete. The caller has taken the
-- task out of its container, a removal, so that the writes here pass even at `maxmemory`.
local function apply_change(task)
  redis.pcall('ZREM', due, task.id)
  if change == 'run' then
    redis.call('LPUSH', pending, task.id)
    redis.call('HSET', task.key, 'state', 'pending', 'pending_since', pending_since)
    redis.call('HDEL', task.key, 'tq:at')
  elseif change == 'archive' then
    -- The lock stays: an archived task still stands for its work. The janitor keeps the set within its bounds.
    redis.call('ZADD', archived, now_seconds, task.id)
    redis.call('HSET', task.key, 'state', 'archived')
    redis.call('HDEL', task.key, 'pending_since', 'tq:at')
  else
    release_lock(task.key, task.id, unique_prefix)
    redis.call('DEL', task.key)
  end
end
