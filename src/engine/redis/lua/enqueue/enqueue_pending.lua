-- enqueue_pending: store plain tasks of one queue, to be run now. The common case, and the cheapest.
-- The ids of one call differ from each other: all hashes are looked at before the first is written.
--
-- KEYS    pending        list    asynq:{<queue>}:pending
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         tasks...       hash    asynq:{<queue>}:t:<id> of each
-- ARGV    queue          string  its name
--         registry       string  asynq:queues; empty where that key may live on another node
--         now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         pending_since  string  now in nanoseconds
--         prefix_length  int     bytes of asynq:{<queue>}:t:
--         messages...    bytes   of each
-- RETURNS array          positions, from 1, of the tasks whose id is taken; the others are stored
--         array          'clock', seconds, microseconds: nothing was done
local pending, active, lease = KEYS[1], KEYS[2], KEYS[3]
local queue, registry = ARGV[1], ARGV[2]
local now, deadline, pending_since, prefix_length = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local first_task, first_message = 4, 7

-- include: clock_guard
-- include: clean_up
-- include: task_id

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local any_exists = redis.call('EXISTS', unpack(KEYS, first_task)) > 0
local free, conflicts, in_conflict = {}, {}, {}
for i = 1, #KEYS - first_task + 1 do
  local task = KEYS[first_task + i - 1]
  local id = string.sub(task, prefix_length + 1)
  if any_exists and is_taken(task, id) then
    conflicts[#conflicts + 1] = i
    in_conflict[i] = true
  else
    free[#free + 1] = id
  end
end
-- Whatever becomes of the tasks, as asynq does: the queue is not empty.
if registry ~= '' then
  redis.call('SADD', registry, queue)
end
if #free == 0 then
  return conflicts
end
-- The list before the hashes: should it be of another type, nothing is written yet.
redis.call('LPUSH', pending, unpack(free))
for i = 1, #KEYS - first_task + 1 do
  if not in_conflict[i] then
    local message = ARGV[first_message + i - 1]
    redis.call('HSET', KEYS[first_task + i - 1], 'msg', message, 'state', 'pending', 'pending_since', pending_since)
  end
end
return conflicts
