-- forward: move tasks that have fallen due to pending, or into their group, in the order in which they fell due.
-- Everything is read before the first write. A group that gets a task is registered, or no aggregator would look at
-- it before another one joins. An id without a message is only removed: whoever took it would find nothing; so is one
-- of a task that runs. A task whose group is of another type waits another minute, or it would hold up all behind it.
--
-- KEYS    scheduled      zset    asynq:{<queue>}:scheduled
--         retry          zset    asynq:{<queue>}:retry
--         due            zset    tq:{<queue>}:due, score = the exact instant in milliseconds
--         pending        list    asynq:{<queue>}:pending
--         groups         set     asynq:{<queue>}:groups
--         lease          zset    asynq:{<queue>}:lease
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         cutoff         int     Unix milliseconds: what is due by then
--         limit          int     the most ids handled in one call
--         pending_since  string  now in nanoseconds
--         task_prefix    string  asynq:{<queue>}:t:
--         group_prefix   string  asynq:{<queue>}:g:
-- RETURNS array          tasks moved, then the first score left in scheduled, retry and due, each empty without one;
--                        ids whose group is of another type
--         array          'clock', seconds, microseconds: nothing was done
local scheduled, retry, due = KEYS[1], KEYS[2], KEYS[3]
local pending, groups, lease = KEYS[4], KEYS[5], KEYS[6]
local now, deadline, cutoff, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local pending_since, task_prefix, group_prefix = ARGV[5], ARGV[6], ARGV[7]

-- include: clock_guard
-- include: slot_move

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local function first_score(set)
  return redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2] or ''
end

local heads = { first_score(scheduled), first_score(retry), first_score(due) }

local now_seconds = math.floor(now / 1000)
local cutoff_seconds = math.floor(cutoff / 1000)
local left = limit
local seen, moves, stale = {}, {}, { [scheduled] = {}, [retry] = {}, [due] = {} }
local sources = 0

-- ---- look at everything -------------------------------------------------------------------------------------

-- What a move needs of a task; nil when its hash is missing, has no message, or is of another type.
local function read_task(id)
  local key = task_prefix .. id
  local fields = redis.pcall('HMGET', key, 'state', 'group', 'tq:at')
  if fields.err then
    slot_is_moving = slot_is_moving or is_refused(fields)
    return nil
  elseif redis.call('HSTRLEN', key, 'msg') == 0 then
    look_for_move(key, lease)
    return nil
  end
  local group = fields[2] ~= '' and fields[2] or nil
  return { id = id, key = key, state = fields[1], group = group, at = fields[3] }
end

local function move(task, from, since)
  seen[task.id] = true
  task.from, task.since, task.order = from, since, #moves
  moves[#moves + 1] = task
end

local function collect_whole_seconds(set, head)
  if head == '' or tonumber(head) > cutoff_seconds or left == 0 then
    return
  end
  local entries = redis.call('ZRANGE', set, '-inf', cutoff_seconds, 'BYSCORE', 'LIMIT', 0, left, 'WITHSCORES')
  left = left - #entries / 2
  sources = sources + 1
  for i = 1, #entries, 2 do
    local id, task = entries[i], read_task(entries[i])
    if task and not (task.state == 'active' and redis.call('ZSCORE', lease, id)) then
      move(task, set, tonumber(task.at or entries[i + 1] * 1000))
    else
      table.insert(stale[set], id)
    end
  end
end

-- An exact instant counts only while the task still waits for it: it may have run, been archived or rescheduled since.
local function collect_exact(head)
  if head == '' or tonumber(head) > cutoff or left == 0 then
    return
  end
  local entries = redis.call('ZRANGE', due, '-inf', cutoff, 'BYSCORE', 'LIMIT', 0, left, 'WITHSCORES')
  sources = sources + 1
  for i = 1, #entries, 2 do
    local id, at = entries[i], tonumber(entries[i + 1])
    table.insert(stale[due], id)
    local task = not seen[id] and read_task(id)
    local set = task and ((task.state == 'scheduled' and scheduled) or (task.state == 'retry' and retry))
    if set and tonumber(task.at) == at and tonumber(redis.call('ZSCORE', set, id)) == math.ceil(at / 1000) then
      move(task, set, at)
    end
  end
end

collect_whole_seconds(scheduled, heads[1])
collect_whole_seconds(retry, heads[2])
collect_exact(heads[3])

if sources > 1 then
  table.sort(moves, function(a, b)
    if a.since == b.since then
      return a.order < b.order
    end
    return a.since < b.since
  end)
end

local usable = {}
local function is_usable(group)
  if usable[group] == nil then
    local key = group_prefix .. group
    look_for_move(key, groups)
    usable[group] = type(redis.pcall('ZCARD', key)) == 'number' and type(redis.pcall('SCARD', groups)) == 'number'
  end
  return usable[group]
end

local pushed, grouped, blocked = {}, {}, {}
for _, task in ipairs(moves) do
  if not task.group then
    pushed[#pushed + 1] = task.id
  elseif is_usable(task.group) then
    grouped[#grouped + 1] = task
  else
    blocked[#blocked + 1] = task
  end
  if task.at then
    table.insert(stale[due], task.id)
  end
  table.insert(stale[task.from], task.id)
end
if #pushed > 0 then
  redis.call('LLEN', pending)
end
if slot_is_moving then
  return try_again()
end

-- ---- move ---------------------------------------------------------------------------------------------------

-- First the removals: then Redis lets the writes after them pass even at `maxmemory`.
local changed = false
for set, ids in pairs(stale) do
  if #ids > 0 then
    redis.call('ZREM', set, unpack(ids))
    changed = true
  end
end
if #pushed > 0 then
  redis.call('LPUSH', pending, unpack(pushed))
end
for _, task in ipairs(grouped) do
  redis.call('SADD', groups, task.group)
  redis.call('ZADD', group_prefix .. task.group, now_seconds, task.id)
end
local blocked_ids = {}
for i, task in ipairs(blocked) do
  redis.call('ZADD', task.from, now_seconds + 60, task.id)
  blocked_ids[i] = task.id
end
for _, task in ipairs(moves) do
  if not task.group then
    redis.call('HSET', task.key, 'state', 'pending', 'pending_since', pending_since)
  elseif usable[task.group] then
    redis.call('HSET', task.key, 'state', 'aggregating')
  end
  if task.at then
    redis.call('HDEL', task.key, 'tq:at')
  end
end

if changed then
  heads = { first_score(scheduled), first_score(retry), first_score(due) }
end
return { #moves - #blocked, heads[1], heads[2], heads[3], blocked_ids }
