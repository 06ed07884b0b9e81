-- commit_aggregation: put aggregates in the place of members of an aggregation set (docs/protocol.md 18.6).
-- One script, so that no crash can run members twice: whoever still finds the set listed owns all of it. Ids and locks of
-- members that were aggregated count as free. Every other member is archived: with its error where the caller brings
-- one, else with its bytes as they are.
--
-- KEYS    pending        list    asynq:{<queue>}:pending
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         completed      zset    asynq:{<queue>}:completed
--         archived       zset    asynq:{<queue>}:archived
--         groups         set     asynq:{<queue>}:groups
--         due            zset    tq:{<queue>}:due
--         sets           zset    asynq:{<queue>}:aggregation_sets, member = key of a set, score = deadline
--         set            zset    asynq:{<queue>}:g:<group>:<set id>
--         processed_day  string  asynq:{<queue>}:processed:<day>
--         failed_day     string  asynq:{<queue>}:failed:<day>
--         processed      string  asynq:{<queue>}:processed
--         failed         string  asynq:{<queue>}:failed
--         entries...     key     of each aggregate, as for enqueue
-- ARGV    queue          string  its name
--         registry       string  asynq:queues; empty where that key may live on another node
--         now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         pending_since  string  now in nanoseconds
--         now_seconds    int     now in whole seconds
--         prefix_length  int     bytes of asynq:{<queue>}:t:
--         unique_prefix  string  asynq:{<queue>}:unique:
--         task_prefix    string  asynq:{<queue>}:t:
--         aggregated     int     how many members were aggregated
--         rejected       int     how many members bring an error
--         entries...     any     id and lock (or empty) of each aggregated; id and message of each rejected; then of each
--                                aggregate, as for enqueue
-- RETURNS array          'committed'; 'gone'; 'conflict' and the id; 'duplicate' and the id that holds the lock
--         array          'clock', seconds, microseconds: nothing was done
local pending, active, lease, scheduled = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local completed, archived, groups, due = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local sets, set = KEYS[9], KEYS[10]
local processed_day, failed_day, processed, failed = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local queue, registry, now, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local pending_since, now_seconds, prefix_length, unique_prefix = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local task_prefix, aggregated, rejected = ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local next_key, next_arg = 15, 12

-- include: clock_guard
-- include: clean_up
-- include: task_id
-- include: unique_lock
-- include: slot_move
-- include: enqueue_entry

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end
if not redis.call('ZSCORE', sets, set) then
  return { 'gone' }
end

-- ---- look at everything -------------------------------------------------------------------------------------

local members = redis.call('ZRANGE', set, 0, -1)
local is_member = {}
for _, id in ipairs(members) do
  is_member[id] = true
end

-- Whether a member has a message. A key of another type has none, and is not ours to delete.
local function has_message(id)
  local key = task_prefix .. id
  local found = redis.pcall('HEXISTS', key, 'msg')
  if is_refused(found) then
    slot_is_moving = true
  elseif found == 0 then
    look_for_move(key, set)
  end
  return found == 1
end

local is_leaving, doomed, errors = {}, {}, {}
for _ = 1, aggregated do
  local id, lock = take_arg(), take_arg()
  if is_member[id] then
    is_leaving[id] = true
    if has_message(id) then
      doomed[#doomed + 1] = task_prefix .. id
    end
    -- The prefix: a foreign name must not lead the script to a key of another queue.
    if lock ~= '' and string.sub(lock, 1, #unique_prefix) == unique_prefix then
      local holder = redis.pcall('GET', lock)
      if is_refused(holder) then
        slot_is_moving = true
      elseif holder == id then
        doomed[#doomed + 1] = lock
      elseif not holder then
        look_for_move(lock, set)
      end
    end
  end
end
for _ = 1, rejected do
  local id = take_arg()
  errors[id] = take_arg()
end
local unfit = {}
for _, id in ipairs(members) do
  if not is_leaving[id] and has_message(id) then
    unfit[#unfit + 1] = id
  end
end
if slot_is_moving then
  return try_again()
end
local obstacle = #unfit > 0 and failure_of('ZCARD', archived)
if obstacle then
  return obstacle
end

local entries, claimed, locked = {}, {}, {}
while next_key <= #KEYS do
  local entry = read_entry()
  local taken = is_taken(entry.task, entry.id) and not is_leaving[entry.id]
  if entry.lock then
    local holder = redis.pcall('GET', entry.lock)
    if type(holder) == 'table' then
      -- Something of another type stands in the lock's place.
      return { 'duplicate', '' }
    elseif is_leaving[holder] then
      doomed[#doomed + 1] = entry.lock
      holder = false
    end
    holder = holder or locked[entry.lock]
    if holder and holder ~= entry.id then
      return { 'duplicate', holder }
    end
    locked[entry.lock] = entry.id
  end
  if claimed[entry.id] or (taken and not (entry.replaces and is_finished(entry.task))) then
    return { 'conflict', entry.id }
  end
  claimed[entry.id] = true
  local unusable = failure_of('ZCARD', lease) or failure_of('LLEN', active) or obstacle_to(entry, taken)
  if unusable then
    return unusable
  end
  entries[#entries + 1] = entry
end

-- ---- write --------------------------------------------------------------------------------------------------

-- First the removals: then Redis lets the writes after them pass even at `maxmemory`.
redis.call('ZREM', sets, set)
redis.call('DEL', set)
if #doomed > 0 then
  redis.call('DEL', unpack(doomed))
end
for _, id in ipairs(unfit) do
  redis.call('ZADD', archived, now_seconds, id)
  local fields = { 'state', 'archived' }
  if errors[id] then
    fields[3], fields[4] = 'msg', errors[id]
  end
  redis.call('HSET', task_prefix .. id, unpack(fields))
end
if registry ~= '' then
  redis.call('SADD', registry, queue)
end
for _, entry in ipairs(entries) do
  enqueue(entry)
end
local processed_count, failed_count = #unfit, #unfit
local present, shift = tonumber(now), 0
-- include: count_processed
return { 'committed' }
