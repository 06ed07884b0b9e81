-- mend_task: look at everything that refers to one task, say what is wrong, and mend it if asked to.
-- The container in which a task lies is believed rather than its state, except `completed`, where the janitor would
-- delete it unrun. What a worker may still be at is left to it. Time comes from Redis alone.
--
-- KEYS    pending        list    asynq:{<queue>}:pending
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         retry          zset    asynq:{<queue>}:retry
--         archived       zset    asynq:{<queue>}:archived
--         completed      zset    asynq:{<queue>}:completed
--         groups         set     asynq:{<queue>}:groups
--         sets           zset    asynq:{<queue>}:aggregation_sets
--         due            zset    tq:{<queue>}:due
--         about...       key     asynq:{<queue>}:t:<id>, then groups and aggregation sets in which the id was seen
-- ARGV    id             bytes   of the task
--         may_repair     int     1: mend
--         seen_pending   int     1: it was seen in pending; else that list is searched only for what lies nowhere else
--         length         int     of a lease, in seconds
--         group_prefix   string  asynq:{<queue>}:g:
--         expire_at      string  Unix seconds at which it is to be deleted once completed; empty: unknown
-- RETURNS array          of each thing wrong three: its code, where the task lies, what was done; empty: nothing
local pending, active, lease, scheduled = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local retry, archived, completed, groups = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local sets, due = KEYS[9], KEYS[10]
local id, may_repair, seen_pending = ARGV[1], ARGV[2], ARGV[3]
local length, group_prefix, expire_at = ARGV[4], ARGV[5], ARGV[6]
local first_about = 11
local task = KEYS[first_about]
local repair = may_repair == '1'

-- include: fence
-- include: slot_move

local time = redis.call('TIME')
local seconds = time[1] + time[2] / 1000000

-- ---- look at everything -------------------------------------------------------------------------------------

local fields = redis.pcall('HMGET', task, 'msg', 'state', 'group', 'tq:at')
if fields.err then
  -- A key of another type is reported by its name.
  return is_refused(fields) and try_again() or {}
end
local message, state, group, at = fields[1], fields[2], fields[3], tonumber(fields[4] or nil)
if group == '' then
  group = false
end
local has_stub = not message and redis.call('EXISTS', task) == 1
if not message then
  look_for_move(task, lease)
end

-- A container of another type holds nothing, and nothing is mended while there is one.
local function number_or_none(reply)
  if type(reply) == 'table' and reply.err then
    slot_is_moving = slot_is_moving or is_refused(reply)
    repair = false
    return false
  end
  return reply
end

local function score_in(zset)
  return tonumber(number_or_none(redis.pcall('ZSCORE', zset, id)) or nil)
end

local places, copies = {}, 0
local function add_place(key, name, of_state, count, of_group)
  places[#places + 1] = { key = key, name = name, state = of_state, count = count, group = of_group }
  copies = copies + count
end

local function look_in_list(list, name)
  local found = number_or_none(redis.pcall('LPOS', list, id, 'COUNT', 0))
  if found and #found > 0 then
    add_place(list, name, name, #found)
  end
end

look_in_list(active, 'active')
local zsets = { { retry, 'retry' }, { scheduled, 'scheduled' }, { archived, 'archived' }, { completed, 'completed' } }
local scores = {}
for _, zset in ipairs(zsets) do
  scores[zset[2]] = score_in(zset[1])
  if scores[zset[2]] then
    add_place(zset[1], zset[2], zset[2], 1)
  end
end

-- The key of a set is that of its group, a colon, and an id without one. A key that neither `groups` nor
-- `aggregation_sets` knows is what its task says.
local function add_group_place(key)
  if not score_in(key) then
    return
  end
  local name = string.sub(key, #group_prefix + 1)
  local of_set = string.match(name, '^(.*):[^:]*$')
  local is_listed_set = type(redis.pcall('ZSCORE', sets, key)) == 'string'
  if of_set and (is_listed_set or (group == of_set and redis.pcall('SISMEMBER', groups, name) ~= 1)) then
    add_place(key, 'g:' .. name, 'aggregating', 1, of_set)
    places[#places].is_set = true
  else
    add_place(key, 'g:' .. name, 'aggregating', 1, name)
  end
end

local looked = {}
local function look_in_group(key)
  if not looked[key] then
    looked[key] = true
    add_group_place(key)
  end
end
for i = first_about + 1, #KEYS do
  look_in_group(KEYS[i])
end
if group then
  look_in_group(group_prefix .. group)
  local prefix = group_prefix .. group .. ':'
  local listed = number_or_none(redis.pcall('ZRANGE', sets, 0, -1)) or {}
  for _, key in ipairs(listed) do
    if string.sub(key, 1, #prefix) == prefix then
      look_in_group(key)
    end
  end
end

local is_at_home = false
for _, place in ipairs(places) do
  is_at_home = is_at_home or place.state == state
end
if seen_pending == '1' or not is_at_home then
  look_in_list(pending, 'pending')
end

local lease_end, due_at = score_in(lease), score_in(due)
number_or_none(redis.pcall('SCARD', groups))
if slot_is_moving then
  return try_again()
end

local names = {}
for _, place in ipairs(places) do
  names[#names + 1] = place.count > 1 and place.name .. ' ' .. place.count .. ' times' or place.name
end
if lease_end and (not places[1] or places[1].key ~= active) then
  names[#names + 1] = 'lease'
end
local where = table.concat(names, ', ')

-- ---- mend ---------------------------------------------------------------------------------------------------

local found = {}
local function report(code, done)
  found[#found + 1] = code
  found[#found + 1] = where
  found[#found + 1] = repair and done or ''
end

local function leave(place, count)
  if place.key == active or place.key == pending then
    redis.call('LREM', place.key, count, id)
  else
    redis.call('ZREM', place.key, id)
    if place.group and not place.is_set and redis.call('EXISTS', place.key) == 0 then
      redis.call('SREM', groups, place.group)
    end
  end
end

if not message then
  if #places == 0 and not lease_end and not due_at and not has_stub then
    return found
  elseif lease_end and lease_end > seconds then
    -- A worker may be at it, and stores the task again when it fails.
    repair = false
    report('GHOST', '')
    return found
  end
  report((#places > 0 or lease_end) and 'GHOST' or has_stub and 'STUB' or 'STALE_TIME', 'removed')
  if repair then
    for _, place in ipairs(places) do
      leave(place, 0)
    end
    redis.call('ZREM', lease, id)
    redis.call('ZREM', due, id)
    redis.call('DEL', task)
  end
  return found
end

-- Where it is to be: where it says, else the place in which least can be lost.
local kept
for _, place in ipairs(places) do
  if place.state == state and (not kept or place.is_set) then
    kept = place
  end
end
for _, wanted in ipairs({ 'active', 'pending', 'retry', 'scheduled', 'aggregating', 'archived', 'completed' }) do
  for _, place in ipairs(places) do
    if not kept and place.state == wanted then
      kept = place
    end
  end
end

local known_state = {
  active = true, pending = true, retry = true, scheduled = true,
  aggregating = true, archived = true, completed = true,
}
local now_seconds = math.floor(seconds)
local function enter(new)
  if new == 'aggregating' and not group then
    new = 'pending'
  elseif new == 'completed' and expire_at == '' then
    new = 'archived'
  end
  if repair then
    redis.call('ZREM', lease, id)
    if new == 'pending' then
      redis.call('LPUSH', pending, id)
    elseif new == 'aggregating' then
      redis.call('ZADD', group_prefix .. group, now_seconds, id)
      redis.call('SADD', groups, group)
    elseif new == 'completed' then
      redis.call('ZADD', completed, expire_at, id)
    elseif new == 'archived' then
      redis.call('ZADD', archived, now_seconds, id)
    else
      local score = at and math.ceil(at / 1000) or now_seconds
      scores[new] = score
      redis.call('ZADD', new == 'retry' and retry or scheduled, score, id)
    end
    lease_end = nil
  end
  return new
end

local function set_state(new)
  if not repair then
    return
  end
  redis.call('HSET', task, 'state', new)
  if new == 'pending' then
    redis.call('HSET', task, 'pending_since', string.format('%d%06d000', time[1], time[2]))
  else
    redis.call('HDEL', task, 'pending_since')
  end
end

local final = state
if not kept then
  if state == 'active' and lease_end then
    report('LEASE_WITHOUT_ACTIVE', 'entered in active')
    if repair then
      redis.call('LPUSH', active, id)
    end
  else
    local new = state == 'active' and 'pending' or known_state[state] and state or 'archived'
    final = enter(new)
    report('ORPHAN', 'put into ' .. final)
    if final ~= state or final == 'pending' then
      set_state(final)
    end
  end
else
  if copies > 1 then
    report('DOUBLE', 'kept in ' .. kept.name)
    if repair then
      for _, place in ipairs(places) do
        if place ~= kept then
          leave(place, 0)
        elseif place.count > 1 then
          leave(place, place.count - 1)
        end
      end
    end
  end
  if kept.state ~= state then
    if kept.state == 'completed' and known_state[state] then
      if repair then
        leave(kept, 0)
      end
      final = enter(state == 'active' and 'pending' or state)
      report('WRONG_STATE', 'put into ' .. final)
    else
      final = kept.state
      report('WRONG_STATE', 'state set to ' .. final)
    end
    set_state(final)
  end
  if final == 'aggregating' and kept.group and kept.group ~= group then
    report('WRONG_GROUP', 'group set to ' .. kept.group)
    if repair then
      redis.call('HSET', task, 'group', kept.group)
    end
  end
end

local fresh = math.ceil(seconds) + length
if final == 'active' and (kept or lease_end) then
  if not lease_end then
    report('ACTIVE_WITHOUT_LEASE', 'given a lease of ' .. length .. ' s')
    if repair then
      redis.call('ZADD', lease, fresh + RESERVED, id)
    end
  elseif lease_end > seconds + 4 * length then
    report('LEASE_TOO_LONG', 'shortened to ' .. length .. ' s')
    if repair then
      redis.call('ZADD', lease, fresh + lease_end % 1, id)
    end
  end
elseif lease_end and kept then
  report('LEASE_WITHOUT_ACTIVE', 'lease removed')
  if repair then
    redis.call('ZREM', lease, id)
  end
end

local waits = final == 'scheduled' or final == 'retry'
local holds = waits and at and scores[final] == math.ceil(at / 1000)
if (at and not holds) or (due_at and not (holds and due_at == at)) then
  report('STALE_TIME', 'removed')
  if repair then
    redis.call('ZREM', due, id)
    if not holds then
      redis.call('HDEL', task, 'tq:at')
    end
  end
end
return found
