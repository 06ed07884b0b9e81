-- delete_expired: delete completed tasks whose retention is over.
-- An id without a hash is dropped as well: nothing else would ever remove it. A task that is listed here but is not
-- completed lives elsewhere: only the listing goes.
--
-- KEYS    completed    zset    asynq:{<queue>}:completed, score = time to delete
-- ARGV    now          int     Unix milliseconds
--         deadline     int     Unix milliseconds
--         cutoff       int     Unix seconds: what is due by then
--         limit        int     the most ids handled in one call
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS int          ids removed; equal to limit means there may be more
--         array        'clock', seconds, microseconds: nothing was done
local completed = KEYS[1]
local now, deadline, cutoff, limit, task_prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- include: clock_guard
-- include: task_state

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local ids = redis.call('ZRANGE', completed, '-inf', cutoff, 'BYSCORE', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
  if is_in_state(task_prefix .. id, 'completed') then
    redis.call('DEL', task_prefix .. id)
  end
  redis.call('ZREM', completed, id)
end
return #ids
