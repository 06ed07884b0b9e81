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
-- include: slot_move
-- include: task_state

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local ids = redis.call('ZRANGE', completed, '-inf', cutoff, 'BYSCORE', 'LIMIT', 0, limit)
local tasks = {}
for _, id in ipairs(ids) do
  local task = task_prefix .. id
  if is_in_state(task, 'completed', completed) then
    tasks[#tasks + 1] = task
  end
end
if slot_is_moving then
  return try_again()
end

for _, task in ipairs(tasks) do
  redis.call('DEL', task)
end
if #ids > 0 then
  redis.call('ZREM', completed, unpack(ids))
end
return #ids
