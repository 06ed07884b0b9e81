-- change_some: run, archive or delete the first tasks of a container, the next to run first.
-- An id whose task is missing, or is in another state, is only taken out of the container: its task lives elsewhere.
--
-- KEYS    container      key     a list (pending) or a zset (all other states) of ids
--         pending        list    asynq:{<queue>}:pending
--         archived       zset    asynq:{<queue>}:archived
--         groups         set     asynq:{<queue>}:groups
--         due            zset    tq:{<queue>}:due
-- ARGV    change         string  run, archive or delete
--         state          string  that of the container's tasks
--         group          string  whose container it is; empty: of no group
--         now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         now_seconds    int     now in whole seconds
--         pending_since  string  now in nanoseconds
--         limit          int     the most ids handled in one call
--         task_prefix    string  asynq:{<queue>}:t:
--         unique_prefix  string  asynq:{<queue>}:unique:
-- RETURNS array          ids taken out of the container; tasks changed
--         array          'clock', seconds, microseconds: nothing was done
local container, pending, archived, groups, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local change, state, group, now, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now_seconds, pending_since, limit = ARGV[6], ARGV[7], tonumber(ARGV[8])
local task_prefix, unique_prefix = ARGV[9], ARGV[10]

-- include: clock_guard
-- include: slot_move
-- include: unique_lock
-- include: change_task

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

-- Fails here, before the first write, if one of them is of another type.
redis.call('LLEN', pending)
redis.call('ZCARD', archived)

local ids = {}
if state == 'pending' then
  local slice = redis.call('LRANGE', container, -limit, -1)
  for i = #slice, 1, -1 do
    ids[#ids + 1] = slice[i]
  end
else
  ids = redis.call('ZRANGE', container, 0, limit - 1)
end
if #ids == 0 then
  if group ~= '' then
    redis.pcall('SREM', groups, group)
  end
  return { 0, 0 }
end

local tasks = {}
for _, id in ipairs(ids) do
  local key = task_prefix .. id
  local found = redis.pcall('HGET', key, 'state')
  if is_refused(found) then
    slot_is_moving = true
  elseif not found then
    look_for_move(key, container)
  end
  local is_whole = found == state and redis.call('HSTRLEN', key, 'msg') > 0
  if is_whole or change == 'delete' and (found == state or not found) then
    tasks[#tasks + 1] = { key = key, id = id }
  end
end
if slot_is_moving then
  return try_again()
end

if state == 'pending' then
  redis.call('LTRIM', container, 0, -#ids - 1)
else
  redis.call('ZREM', container, unpack(ids))
end
if group ~= '' and redis.call('EXISTS', container) == 0 then
  redis.pcall('SREM', groups, group)
end
for _, task in ipairs(tasks) do
  apply_change(task)
end
return { #ids, #tasks }
