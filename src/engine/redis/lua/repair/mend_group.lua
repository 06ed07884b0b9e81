-- mend_group: look whether a zset of aggregating tasks is listed, as the group or aggregation set that its tasks say
-- it is, and list it. A set that nobody listed is handed to the recoverer, which returns its tasks to their group.
--
-- KEYS    container    key     asynq:{<queue>}:g:<group>, or with :<set id>
--         groups       set     asynq:{<queue>}:groups
--         sets         zset    asynq:{<queue>}:aggregation_sets
-- ARGV    repair       int     1: mend
--         group_prefix string  asynq:{<queue>}:g:
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS array        the group that its tasks name; 1 for a set; empty or the code of what is wrong
local container, groups, sets = KEYS[1], KEYS[2], KEYS[3]
local repair, group_prefix, task_prefix = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local members_asked = 10

local name = string.sub(container, #group_prefix + 1)
local of_set = string.match(name, '^(.*):[^:]*$')
local members = redis.pcall('ZRANGE', container, 0, members_asked - 1)
if members.err or #members == 0 then
  return { name, 0, '' }
end
if type(redis.pcall('ZSCORE', sets, container)) == 'string' then
  return { of_set or name, 1, '' }
elseif redis.pcall('SISMEMBER', groups, name) == 1 then
  return { name, 0, '' }
end

local is_set = false
for _, id in ipairs(members) do
  local group = redis.pcall('HGET', task_prefix .. id, 'group')
  if group == name then
    is_set = false
    break
  elseif of_set and group == of_set then
    is_set = true
  end
end
if is_set then
  if repair == 1 and type(redis.pcall('ZCARD', sets)) == 'number' then
    redis.call('ZADD', sets, redis.call('TIME')[1], container)
  end
  return { of_set, 1, 'SET_NOT_LISTED' }
end
if repair == 1 and type(redis.pcall('SCARD', groups)) == 'number' then
  redis.call('SADD', groups, name)
end
return { name, 0, 'GROUP_NOT_LISTED' }
