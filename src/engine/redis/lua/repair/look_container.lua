-- look_container: some ids of a list or zset, and which of them look damaged. Reads only.
-- A zset is gone through by a cursor: what stays in it is seen. A list is gone through by position from the left, where
-- ids enter: they push the others along, so that one may be seen twice, and none that stays is passed over.
--
-- KEYS    container    key     a list, or a zset of ids
--         lease        zset    asynq:{<queue>}:lease
-- ARGV    kind         string  list or zset
--         at           string  position, or cursor
--         count        int     about how many ids to look at
--         state        string  that tasks in it have; due: by the millisecond, scheduled or retrying
--         group        string  that tasks in it name; empty: any
--         longest      int     seconds from now that a lease may end
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS array        where to go on, empty after the last; all ids seen; those of them that look damaged
local container, lease = KEYS[1], KEYS[2]
local kind, at, count, state = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local group, longest, task_prefix = ARGV[5], ARGV[6], ARGV[7]

-- include: slot_move

local ids, scores, next_at = {}, {}, ''
if kind == 'list' then
  ids = redis.call('LRANGE', container, at, at + count - 1)
  if #ids == count then
    -- One id is looked at again, by which the next page is told from this one.
    next_at = tostring(at + count - 1)
  end
else
  local page = redis.call('ZSCAN', container, at, 'COUNT', count)
  next_at = page[1] == '0' and '' or page[1]
  for i = 1, #page[2], 2 do
    ids[#ids + 1], scores[#scores + 1] = page[2][i], page[2][i + 1]
  end
end

local latest = redis.call('TIME')[1] + longest

local function is_due(found, score)
  return (found == 'scheduled' or found == 'retry') and score
end

local suspects = {}
for i, id in ipairs(ids) do
  local task = task_prefix .. id
  local fields = redis.pcall('HMGET', task, 'state', 'group', 'tq:at')
  if fields.err then
    -- Another type: found by its key. Or the slot moves.
    slot_is_moving = slot_is_moving or is_refused(fields)
  else
    local looks_whole
    if redis.call('HSTRLEN', task, 'msg') == 0 then
      look_for_move(task, lease)
    elseif state == 'due' then
      looks_whole = is_due(fields[1], fields[3]) and tonumber(fields[3]) == tonumber(scores[i])
    else
      looks_whole = fields[1] == state and (group == '' or fields[2] == group)
      if looks_whole and state == 'active' and kind == 'list' then
        looks_whole = redis.call('ZSCORE', lease, id)
      elseif looks_whole and container == lease then
        looks_whole = tonumber(scores[i]) <= latest
      end
    end
    if not looks_whole then
      suspects[#suspects + 1] = id
    end
  end
end
if slot_is_moving then
  return try_again()
end
return { next_at, ids, suspects }
