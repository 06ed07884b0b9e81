-- Entries of an enqueue, `enqueue.lua` says what they are: `read_entry` takes one from where `next_key` and `next_arg`
-- point, `enqueue` stores it and answers as that script does.
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
