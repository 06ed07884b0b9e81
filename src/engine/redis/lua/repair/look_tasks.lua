-- look_tasks: what tasks say of themselves, and whether they lie where they say. Reads only.
-- Lists are not searched: that would take too long for each. The caller has seen what is in them.
--
-- KEYS    lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         retry          zset    asynq:{<queue>}:retry
--         archived       zset    asynq:{<queue>}:archived
--         completed      zset    asynq:{<queue>}:completed
--         sets           zset    asynq:{<queue>}:aggregation_sets
--         tasks...       key     asynq:{<queue>}:t:<id> of each
-- ARGV    prefix_length  int     bytes of asynq:{<queue>}:t:
--         group_prefix   string  asynq:{<queue>}:g:
--         budget         int     bytes of messages after which no more tasks are looked at
-- RETURNS array          of each task looked at four: state, nil when it is gone, or 1 for a key of another type; its
--                        message; pending_since; 1 if it lies there, as far as this tells
local lease, scheduled, retry = KEYS[1], KEYS[2], KEYS[3]
local archived, completed, sets = KEYS[4], KEYS[5], KEYS[6]
local prefix_length, group_prefix, budget = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local first_task = 7

-- include: slot_move

local zset_of = { active = lease, scheduled = scheduled, retry = retry, archived = archived, completed = completed }

local listed_sets
local function is_in_set(id, group_key)
  listed_sets = listed_sets or redis.pcall('ZRANGE', sets, 0, 999)
  local prefix = group_key .. ':'
  for _, set in ipairs(listed_sets) do
    if string.sub(set, 1, #prefix) == prefix and type(redis.pcall('ZSCORE', set, id)) == 'string' then
      return true
    end
  end
  return false
end

local function is_in_place(id, state, group, at)
  if state == 'aggregating' then
    local key = group and group_prefix .. group
    return key and (type(redis.pcall('ZSCORE', key, id)) == 'string' or is_in_set(id, key)) and not at
  elseif state == 'pending' then
    return not at
  end
  local zset = zset_of[state]
  local score = zset and redis.pcall('ZSCORE', zset, id)
  if type(score) ~= 'string' then
    return false
  elseif at and (state == 'scheduled' or state == 'retry') then
    return tonumber(score) == math.ceil(tonumber(at) / 1000)
  end
  return not at
end

local reply, bytes = {}, 0
for i = first_task, #KEYS do
  local task = KEYS[i]
  local id = string.sub(task, prefix_length + 1)
  local fields = redis.pcall('HMGET', task, 'state', 'msg', 'pending_since', 'group', 'tq:at')
  local n = #reply
  if fields.err then
    slot_is_moving = slot_is_moving or is_refused(fields)
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = 1, false, false, 0
  elseif not fields[2] and redis.call('EXISTS', task) == 0 then
    look_for_move(task, lease)
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = false, false, false, 0
  else
    reply[n + 1], reply[n + 2], reply[n + 3] = fields[1] or '', fields[2], fields[3]
    reply[n + 4] = is_in_place(id, fields[1], fields[4], fields[5]) and 1 or 0
    bytes = bytes + #(fields[2] or '')
    if bytes > budget then
      break
    end
  end
end
if slot_is_moving then
  return try_again()
end
return reply
