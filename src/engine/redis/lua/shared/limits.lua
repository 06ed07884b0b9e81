-- Limits, docs/protocol.md 18.11. A limit is known by its name and key, `full`: printable text, a line feed between them.
-- Members are `full`, a line feed, and what is counted. All scores are 0, so that members are found by their text.
-- Slots are also counted, limit by limit, in `held`: what stands there while nobody has a slot is wrong, and dropped.
local FAR_AWAY = 253402300799
local UNPARKED_A_CALL = 100
local LOOK_AGAIN = 15000
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local none_parked, none_has_turn = redis.call('ZCARD', parked) == 0, redis.call('ZCARD', turns) == 0
local none_held = redis.call('HLEN', slots) == 0

local function range_of(full)
  return '[' .. full .. '\n', '(' .. full .. '\11'
end

-- Reads a limit of `ARGV`, from `arg` on. All that is ever kept of it has its place from the beginning: a table that
-- grows costs more than all else here.
local function limit_at(arg, rate_key)
  return {
    full = ARGV[arg],
    most = tonumber(ARGV[arg + 1]),
    rate = tonumber(ARGV[arg + 2]),
    per = tonumber(ARGV[arg + 3]),
    rate_key = rate_key,
    held = false,
    room = false,
    starts = false,
    log = false,
    waiting = false,
    last = false,
  }
end

local function held_of(limit)
  if not limit.held then
    limit.held = none_held and 0 or tonumber(redis.call('HGET', held, limit.full) or 0)
  end
  return limit.held
end

-- How many tasks may start under a limit: `room` of those that nobody has promised a turn to, `starts` in all.
local function measure(limit)
  if limit.room then
    return
  end
  local from, to = range_of(limit.full)
  local promised = none_has_turn and 0 or redis.call('ZLEXCOUNT', turns, from, to)
  limit.starts = math.huge
  if limit.most > 0 then
    limit.starts = limit.most - held_of(limit)
  end
  if limit.rate > 0 then
    -- Instants and how many started then, the oldest first.
    local kept, counted = redis.call('GET', limit.rate_key), 0
    local log = kept and cmsgpack.unpack(kept) or {}
    local first = 1
    while log[first] and log[first] <= now - limit.per do
      first = first + 2
    end
    limit.log = first == 1 and log or { unpack(log, first) }
    for i = 2, #limit.log, 2 do
      counted = counted + limit.log[i]
    end
    limit.starts = math.min(limit.starts, limit.rate - counted)
  end
  limit.room = limit.starts - promised
end

-- A task starts. Under a rate of very many, those of a 64th of its length count as one instant, the last: never too few.
local function note_start(limit)
  limit.starts = limit.starts - 1
  local log = limit.log
  if log then
    local last = #log - 1
    local grain = #log < 128 and 1 or limit.per / 64
    if last > 0 and math.floor(log[last] / grain) == math.floor(now / grain) then
      log[last], log[last + 1] = now, log[last + 1] + 1
    else
      log[last + 2], log[last + 3] = now, 1
    end
    limit.started = true
  end
end

-- When the next task may start, as far as is known. Not later than that: a server may die, or a limit be given up.
local function next_look(limit)
  local oldest = limit.log and limit.log[1]
  return math.max(now + 1, math.min(oldest and oldest + limit.per or math.huge, now + LOOK_AGAIN))
end

-- Moves the tasks that have waited longest to the head of pending, as many as there is room for. Each is promised its
-- turn, so that no other takes it before.
local function unpark_next(limit, is_gone)
  local from, to = range_of(limit.full)
  measure(limit)
  local left = math.min(limit.room, UNPARKED_A_CALL)
  local entries = left > 0 and redis.call('ZRANGEBYLEX', parked, from, to, 'LIMIT', 0, left) or {}
  local moving, stale = {}, {}
  for _, entry in ipairs(entries) do
    local id = string.sub(entry, #limit.full + 18)
    local task = task_prefix .. id
    local fields = redis.pcall('HMGET', task, 'state', 'tq:parked')
    if not fields[1] then
      look_for_move(task, parked)
      slot_is_moving = slot_is_moving or is_refused(fields)
    end
    stale[#stale + 1] = entry
    -- Else an operator has run, archived or deleted it meanwhile.
    if fields[1] == 'scheduled' and fields[2] == string.sub(entry, 1, #limit.full + 17) then
      if redis.call('ZSCORE', scheduled, id) then
        moving[#moving + 1] = id
      end
    end
  end
  if slot_is_moving then
    return 0, true
  end
  if #stale > 0 then
    if #moving > 0 then
      redis.call('LLEN', pending)
    end
    redis.call('ZREM', parked, unpack(stale))
  end
  if #moving > 0 then
    redis.call('ZREM', scheduled, unpack(moving))
    for i = #moving, 1, -1 do
      local id = moving[i]
      redis.call('RPUSH', pending, id)
      redis.call('HSET', task_prefix .. id, 'state', 'pending', 'pending_since', pending_since, 'tq:turn', limit.full)
      redis.call('HDEL', task_prefix .. id, 'tq:parked')
      if not is_gone then
        redis.call('ZADD', turns, 0, limit.full .. '\n' .. id)
      end
    end
    limit.room = limit.room - #moving
    none_has_turn = false
  end
  return #moving, #moving == #entries
end

-- Those that an operator took out of the line leave room for the next.
local function unpark(limit, is_gone)
  local moved = 0
  for _ = 1, 10 do
    local some, is_over = unpark_next(limit, is_gone)
    moved = moved + some
    if is_over or moved >= UNPARKED_A_CALL then
      break
    end
  end
  return moved
end

-- Notes when to look again at those that wait; answers that instant.
local function plan_look(limit, soonest)
  local from, to = range_of(limit.full)
  if #redis.call('ZRANGEBYLEX', parked, from, to, 'LIMIT', 0, 1) == 0 then
    redis.call('ZREM', looks, limit.full)
    return nil
  end
  local at = soonest or next_look(limit)
  redis.call('ZADD', looks, at, limit.full)
  return at
end

-- The slots of each limit, counted anew.
local function recount()
  local counts, fields = {}, {}
  for _, member in ipairs(redis.call('HKEYS', slots)) do
    local full = string.match(member, '^([^\n]*\n[^\n]*)\n')
    if full then
      counts[full] = (counts[full] or 0) + 1
    end
  end
  redis.call('DEL', held)
  for full, count in pairs(counts) do
    redis.call('HSET', held, full, count)
  end
  return counts
end

-- Notes that these limits have given out so many slots more, by `change`. `is_exact`: each of them was as expected.
local function write_held(change, is_exact)
  if not is_exact then
    local counts = recount()
    for limit in pairs(change) do
      limit.held = counts[limit.full] or 0
    end
    return
  end
  local counts, gone = {}, {}
  for limit, by in pairs(change) do
    limit.held = held_of(limit) + by
    if limit.held > 0 then
      counts[#counts + 1] = limit.full
      counts[#counts + 1] = limit.held
    else
      gone[#gone + 1] = limit.full
    end
  end
  if #gone > 0 then
    redis.call('HDEL', held, unpack(gone))
  end
  if #counts > 0 then
    redis.call('HSET', held, unpack(counts))
  end
end

-- Who asks once more has its slot already.
local function take_slots(holding, members)
  local fields, change = {}, {}
  for i, limit in ipairs(holding) do
    fields[2 * i - 1], fields[2 * i] = members[i], ''
    change[limit] = (change[limit] or 0) + 1
  end
  if none_held then
    redis.call('DEL', held)
    -- A small hash in its compact form is searched from end to end. A value that is too long for it, for a moment, makes
    -- the hash keep the fast form for as long as it is not empty.
    if #members > 8 then
      redis.call('HSET', slots, '', string.rep('-', 65))
    end
  end
  local added = redis.call('HSET', slots, unpack(fields))
  if none_held then
    redis.call('HDEL', slots, '')
  end
  write_held(change, added == #members)
end

local function free_slots(holding, members)
  local change = {}
  for _, limit in ipairs(holding) do
    change[limit] = (change[limit] or 0) - 1
  end
  write_held(change, redis.call('HDEL', slots, unpack(members)) == #members)
end

-- Frees the slot of a task that may be pending again: it was handed back, and is promised the next turn.
local function give_back(limit, id)
  local member = limit.full .. '\n' .. id
  local task = task_prefix .. id
  if redis.call('HDEL', slots, member) == 0 then
    return
  end
  write_held({ [limit] = -1 }, true)
  if redis.pcall('HGET', task, 'state') == 'pending' then
    redis.call('ZADD', turns, 0, member)
    redis.call('HSET', task, 'tq:turn', limit.full)
    none_has_turn = false
  end
end
