-- read_aggregation_set: messages of the members of an aggregation set, the oldest first, some in each call.
-- A member without a message is left out.
--
-- KEYS    sets           zset    asynq:{<queue>}:aggregation_sets, member = key of a set, score = deadline
--         set            zset    asynq:{<queue>}:g:<group>:<set id>
-- ARGV    first          int     rank of the first member to read
--         limit          int     the most members looked at in one call
--         budget         int     bytes of messages after which reading stops; one is read whatever its size
--         task_prefix    string  asynq:{<queue>}:t:
-- RETURNS array          rank to go on with, -1 after the last; id and message of each. Empty: the set is gone
local sets, set = KEYS[1], KEYS[2]
local first, limit, budget, task_prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

-- include: slot_move

if not redis.call('ZSCORE', sets, set) then
  return {}
end
local ids = redis.call('ZRANGE', set, first, first + limit - 1)
local answer, bytes, looked = { -1 }, 0, 0
for _, id in ipairs(ids) do
  local task = task_prefix .. id
  local message = redis.pcall('HGET', task, 'msg')
  if is_refused(message) then
    return try_again()
  elseif not message then
    look_for_move(task, set)
  elseif type(message) == 'string' then
    if bytes > 0 and bytes + #message > budget then
      break
    end
    bytes = bytes + #message
    answer[#answer + 1] = id
    answer[#answer + 1] = message
  end
  looked = looked + 1
end
if slot_is_moving then
  return try_again()
end
if looked < #ids or #ids == limit then
  answer[1] = first + looked
end
return answer
