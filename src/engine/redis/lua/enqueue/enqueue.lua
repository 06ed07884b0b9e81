-- enqueue: store tasks of one queue, of any kind. Each entry is decided on its own, in order, and all that it
-- needs is looked at before it is written: an error is that of its entry, which is not stored.
--
-- An entry is its flags, its message, and in this order what the flags ask for:
--   u  a unique lock: its key, and the milliseconds it lives
--   s  scheduled: the second it is due, rounded up
--   a  with s, due within that second: the instant in milliseconds
--   g  a group: its name, and unless scheduled the key of its zset
--   r  a finished task of the same id makes room
--
-- KEYS    pending        list    asynq:{<queue>}:pending
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         completed      zset    asynq:{<queue>}:completed
--         archived       zset    asynq:{<queue>}:archived
--         groups         set     asynq:{<queue>}:groups
--         due            zset    tq:{<queue>}:due
--         entries...     key     of each entry: its hash, its lock, its group
-- ARGV    queue          string  its name
--         registry       string  asynq:queues; empty where that key may live on another node
--         now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         pending_since  string  now in nanoseconds
--         now_seconds    int     now in whole seconds
--         prefix_length  int     bytes of asynq:{<queue>}:t:
--         unique_prefix  string  asynq:{<queue>}:unique:
--         entries...     any     of each entry: flags, message, ttl, score, instant, group
-- RETURNS array          of each entry: 1 stored, 0 the id is taken, text: the id that holds the lock, or an error
--         array          'clock', seconds, microseconds: nothing was done
local pending, active, lease, scheduled = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local completed, archived, groups, due = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local queue, registry, now, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local pending_since, now_seconds, prefix_length, unique_prefix = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local next_key, next_arg = 9, 9

-- include: clock_guard
-- include: clean_up
-- include: task_id
-- include: unique_lock

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local function take_key()
  next_key = next_key + 1
  return KEYS[next_key - 1]
end

local function take_arg()
  next_arg = next_arg + 1
  return ARGV[next_arg - 1]
end

-- What the flags of an entry ask for. There are few kinds in one call, and many entries of each.
local kinds = {}
local function kind_of(flags)
  local kind = kinds[flags]
  if not kind then
    kind = {}
    for flag in string.gmatch(flags, '.') do
      kind[flag] = true
    end
    kinds[flags] = kind
  end
  return kind
end

local function read_entry()
  local kind = kind_of(take_arg())
  local task = take_key()
  local entry = { task = task, id = string.sub(task, prefix_length + 1), message = take_arg(), replaces = kind.r }
  if kind.u then
    entry.lock, entry.ttl = take_key(), take_arg()
  end
  if kind.s then
    entry.score = take_arg()
  end
  if kind.a then
    entry.at = take_arg()
  end
  if kind.g then
    entry.group = take_arg()
  end
  if kind.g and not kind.s then
    entry.group_set = take_key()
  end
  return entry
end

local function is_finished(task)
  local state = redis.pcall('HGET', task, 'state')
  return state == 'completed' or state == 'archived'
end

-- What writing to a container would fail with, or false. Each is looked at once a call, before the first write to it.
local failures = {}
local function failure_of(look, container)
  if failures[container] == nil then
    local reply = redis.pcall(look, container)
    failures[container] = type(reply) == 'table' and reply
  end
  return failures[container]
end

-- The same for where an entry is to wait, and for what a finished task leaves.
local function obstacle_to(entry, taken)
  local found = taken and (failure_of('ZCARD', completed) or failure_of('ZCARD', archived))
  if found then
    return found
  elseif entry.score then
    return failure_of('ZCARD', scheduled) or (entry.at and failure_of('ZCARD', due))
  elseif entry.group_set then
    return failure_of('ZCARD', entry.group_set) or failure_of('SCARD', groups)
  end
  return failure_of('LLEN', pending)
end

local function place(entry)
  if entry.score then
    redis.call('ZADD', scheduled, entry.score, entry.id)
    if entry.at then
      redis.call('ZADD', due, entry.at, entry.id)
      redis.call('PEXPIRE', due, 120000)
    end
  elseif entry.group_set then
    redis.call('ZADD', entry.group_set, now_seconds, entry.id)
    redis.call('SADD', groups, entry.group)
  else
    redis.call('LPUSH', pending, entry.id)
  end
end

local function enqueue(entry)
  -- An id that is free may have to be taken out of these first.
  local unclean = failure_of('ZCARD', lease) or failure_of('LLEN', active)
  if unclean then
    return unclean
  end
  -- The id before the lock: a lock taken for a task that is then refused would block others.
  local taken = is_taken(entry.task, entry.id)
  if entry.lock then
    local holder = redis.pcall('GET', entry.lock)
    if holder and holder ~= entry.id then
      -- A table: something of another type stands in the lock's place.
      return type(holder) == 'table' and '' or holder
    end
  end
  if taken and not (entry.replaces and is_finished(entry.task)) then
    return 0
  end

  local obstacle = obstacle_to(entry, taken)
  if obstacle then
    return obstacle
  end
  place(entry)
  if taken then
    redis.call('ZREM', completed, entry.id)
    redis.call('ZREM', archived, entry.id)
    release_lock(entry.task, entry.id, unique_prefix)
    redis.call('DEL', entry.task)
  end
  if entry.lock then
    redis.call('SET', entry.lock, entry.id, 'PX', entry.ttl)
  end

  local fields, n = { 'msg', entry.message, 'state' }, 4
  local function add(name, value)
    fields[n + 1], fields[n + 2], n = name, value, n + 2
  end
  if entry.score then
    fields[4] = 'scheduled'
  elseif entry.group then
    fields[4] = 'aggregating'
  else
    fields[4] = 'pending'
    add('pending_since', pending_since)
  end
  if entry.group then
    add('group', entry.group)
  end
  if entry.lock and not entry.group_set then
    add('unique_key', entry.lock)
  end
  if entry.at then
    add('tq:at', entry.at)
  end
  redis.call('HSET', entry.task, unpack(fields))
  return 1
end

if registry ~= '' then
  redis.call('SADD', registry, queue)
end
local answers = {}
while next_key <= #KEYS do
  answers[#answers + 1] = enqueue(read_entry())
end
return answers
