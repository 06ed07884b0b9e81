-- change_tasks: run, archive or delete tasks by their ids, each decided on its own.
-- Everything is looked at before the first write. A task that its container does not hold is changed all the same:
-- otherwise what a damaged store has left behind could never be cleared away. So is, for a deletion, an id without a
-- task.
-- Taking an id out of a long `pending` costs time, and Redis cannot look from the middle on: where that would be too
-- much, the caller says where it has seen them, and those that are not near there are left for another call.
--
-- KEYS    pending           list    asynq:{<queue>}:pending
--         active            list    asynq:{<queue>}:active
--         lease             zset    asynq:{<queue>}:lease
--         scheduled         zset    asynq:{<queue>}:scheduled
--         retry             zset    asynq:{<queue>}:retry
--         archived          zset    asynq:{<queue>}:archived
--         completed         zset    asynq:{<queue>}:completed
--         groups            set     asynq:{<queue>}:groups
--         aggregation_sets  zset    asynq:{<queue>}:aggregation_sets
--         due               zset    tq:{<queue>}:due
--         tasks...          hash    asynq:{<queue>}:t:<id> of each
-- ARGV    change            string  run, archive or delete
--         from              string  only tasks in this state; empty: in any
--         now               int     Unix milliseconds
--         deadline          int     Unix milliseconds
--         now_seconds       int     now in whole seconds
--         pending_since     string  now in nanoseconds
--         prefix_length     int     bytes of asynq:{<queue>}:t:
--         unique_prefix     string  asynq:{<queue>}:unique:
--         group_prefix      string  asynq:{<queue>}:g:
--         places...         int     where in `pending`, from the left, each was seen, in ascending order; none: not said
-- RETURNS array             of each task: 1 changed, 2 no such task, 3 it runs, 4 it is so already, 5 not where it was
--                           looked for: nothing was done; text: the key of another type that stands in the way
--         array             'clock', seconds, microseconds: nothing was done
local pending, active, lease = KEYS[1], KEYS[2], KEYS[3]
local scheduled, retry, archived, completed = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local groups, aggregation_sets, due = KEYS[8], KEYS[9], KEYS[10]
local change, from, now, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now_seconds, pending_since, prefix_length = ARGV[5], ARGV[6], tonumber(ARGV[7])
local unique_prefix, group_prefix = ARGV[8], ARGV[9]
local keys_before, args_before = 10, 9
local has_places = #ARGV > args_before

-- include: clock_guard
-- include: slot_move
-- include: unique_lock
-- include: change_task

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local CHANGED, MISSING, ACTIVE, UNCHANGED, ELSEWHERE = 1, 2, 3, 4, 5
-- Ids of `pending` that one call may compare with: a few milliseconds.
local MOST_COMPARED = 200000
-- How far beside its place an id is looked for, and how often in one call.
local SLACK, MOST_LOOKS = 500, 10
-- Aggregation sets that are looked through for a task that is not in its group.
local MOST_SETS = 100

local zsets = { scheduled = scheduled, retry = retry, archived = archived, completed = completed }
local wanted = change == 'run' and 'pending' or change == 'archive' and 'archived'

-- Each key is looked at once: one of another type fails the tasks that need it, and no others.
local broken = {}
local function is_broken(key, look)
  if broken[key] == nil then
    broken[key] = type(redis.pcall(look, key)) == 'table'
  end
  return broken[key]
end

-- Whether an attempt is under way; what cannot be read is taken for one.
local function runs(id)
  local score, position = redis.pcall('ZSCORE', lease, id), redis.pcall('LPOS', active, id)
  return score or position
end

-- Whether the members of a set that an aggregator works on include the task.
local function is_picked(group_set, id)
  for _, set in ipairs(redis.call('ZRANGE', aggregation_sets, 0, MOST_SETS - 1)) do
    if string.sub(set, 1, #group_set + 1) == group_set .. ':' and redis.pcall('ZSCORE', set, id) then
      return true
    end
  end
  return false
end

-- A task as it is, or nil and why it stays so.
local function look_at(key)
  local task = { key = key, id = string.sub(key, prefix_length + 1) }
  local fields = redis.pcall('HMGET', key, 'state', 'group')
  if fields.err then
    slot_is_moving = slot_is_moving or is_refused(fields)
    return nil, key
  end
  local state = fields[1]
  if from ~= '' and state ~= from then
    return nil, MISSING
  elseif change ~= 'delete' and (not state or redis.call('HSTRLEN', key, 'msg') == 0) then
    return nil, MISSING
  elseif wanted and state == wanted then
    return nil, UNCHANGED
  elseif state == 'active' then
    if runs(task.id) then
      return nil, ACTIVE
    end
  elseif state == 'pending' then
    task.waits = true
  elseif state == 'aggregating' and fields[2] and fields[2] ~= '' then
    local group_set = group_prefix .. fields[2]
    look_for_move(group_set, groups)
    if is_broken(group_set, 'ZCARD') then
      return nil, group_set
    elseif is_broken(aggregation_sets, 'ZCARD') then
      return nil, aggregation_sets
    elseif redis.call('ZSCORE', group_set, task.id) then
      task.set, task.group = group_set, fields[2]
    elseif is_picked(group_set, task.id) then
      return nil, ACTIVE
    end
  elseif zsets[state] then
    task.set = zsets[state]
    if is_broken(task.set, 'ZCARD') then
      return nil, task.set
    end
  elseif not state then
    task.is_ghost = redis.call('EXISTS', key) == 0
    if runs(task.id) then
      return nil, ACTIVE
    end
  end
  if (task.waits or change == 'run') and is_broken(pending, 'LLEN') then
    return nil, pending
  elseif change == 'archive' and is_broken(archived, 'ZCARD') then
    return nil, archived
  end
  return task
end

local answers, tasks, waiting = {}, {}, {}
for i = keys_before + 1, #KEYS do
  local task, why = look_at(KEYS[i])
  answers[#answers + 1] = why or CHANGED
  if task then
    task.position = #answers
    tasks[#tasks + 1] = task
    if (task.waits or task.is_ghost) and not is_broken(pending, 'LLEN') then
      waiting[#waiting + 1] = task
    end
  end
end

-- Where those of `pending` are.
local length = #waiting > 0 and redis.call('LLEN', pending) or 0
local drift, looks = 0, 0

-- What was pushed since the caller looked has moved all of them on alike.
local function place_of(id, seen_at)
  local at = math.max(0, seen_at + drift)
  if redis.call('LINDEX', pending, at) == id then
    return at
  elseif looks == MOST_LOOKS then
    return nil
  end
  looks = looks + 1
  local from = math.max(0, at - SLACK)
  for i, other in ipairs(redis.call('LRANGE', pending, from, at + SLACK)) do
    if other == id then
      drift = from + i - 1 - seen_at
      return from + i - 1
    end
  end
  return nil
end

for _, task in ipairs(waiting) do
  if has_places then
    task.place = place_of(task.id, tonumber(ARGV[args_before + task.position]))
  end
  if has_places and not task.place or not has_places and length * #waiting > MOST_COMPARED then
    answers[task.position] = ELSEWHERE
  end
end
if slot_is_moving then
  return try_again()
end

-- Replaced first, then removed by one walk, from the end that is nearer. An id is never empty.
local function remove_from_places()
  local count, first, last = 0, length, 0
  for _, task in ipairs(waiting) do
    if task.place then
      redis.pcall('ZREM', due, task.id)
      redis.call('LSET', pending, task.place, '')
      count, first, last = count + 1, math.min(first, task.place), math.max(last, task.place)
    end
  end
  if count > 0 then
    redis.call('LREM', pending, last < length - first and count or -count, '')
  end
end

-- What an id without a task may still be listed in.
local function remove_ghost(id)
  local removed = 0
  for _, set in pairs(zsets) do
    local reply = redis.pcall('ZREM', set, id)
    removed = removed + (type(reply) == 'number' and reply or 0)
  end
  return removed
end

remove_from_places()
for _, task in ipairs(tasks) do
  if answers[task.position] == CHANGED then
    local removed = 0
    if task.set then
      removed = redis.call('ZREM', task.set, task.id)
    elseif task.place then
      removed = 1
    elseif (task.waits or task.is_ghost) and length > 0 then
      removed = redis.call('LREM', pending, 0, task.id)
    end
    -- A damaged store may have the id in `pending` as well: it is not to be there twice.
    if change == 'run' and not task.waits and redis.call('LLEN', pending) * #tasks <= MOST_COMPARED then
      redis.call('LREM', pending, 0, task.id)
    end
    if task.group and redis.call('EXISTS', task.set) == 0 then
      redis.pcall('SREM', groups, task.group)
    end
    if task.is_ghost then
      removed = removed + remove_ghost(task.id)
      if removed == 0 then
        answers[task.position] = MISSING
      end
    else
      apply_change(task)
    end
  end
end
return answers
