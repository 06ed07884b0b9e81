-- relist_groups: register groups that have tasks and are not registered, so that no aggregator would look at them.
-- A Go peer leaves them so when it forwards a task to its group, or returns an aggregation set (V9). Nothing names them:
-- the keys of the database are gone through, some in each call. An aggregation set has a key that looks like a group's,
-- but its tasks say that they are of another one. Groups that we made sets of are known by name: of those some are looked at
-- in each call, too, and one that has neither tasks nor sets any more is forgotten.
--
-- KEYS    groups         set     asynq:{<queue>}:groups
--         sets           zset    asynq:{<queue>}:aggregation_sets, member = key of a set
--         aggs           set     tq:{<queue>}:aggs
-- ARGV    cursor         string  where the last call ended; 0 to begin
--         pattern        string  of the keys of groups
--         count          int     about how many keys to look at
--         group_prefix   string  asynq:{<queue>}:g:
--         task_prefix    string  asynq:{<queue>}:t:
-- RETURNS array          where to go on, 0 after the last key; groups registered
local groups, sets, aggs = KEYS[1], KEYS[2], KEYS[3]
local cursor, pattern, count, group_prefix, task_prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local members_asked, most = 10, 500

-- An error: `groups` is of another type.
if type(redis.pcall('SCARD', groups)) ~= 'number' then
  return { '0', {} }
end

local listed = {}
local function list(group)
  if redis.call('SISMEMBER', groups, group) == 0 then
    -- First a removal, though of nothing: then Redis lets the write after it pass even at `maxmemory`.
    redis.call('SREM', groups, group)
    redis.call('SADD', groups, group)
    listed[#listed + 1] = group
  end
end

local known = redis.pcall('SRANDMEMBER', aggs, most)
local keys_of_sets = #known == 0 and {} or redis.pcall('ZRANGE', sets, 0, most - 1)
local has_set = {}
for _, key in ipairs(keys_of_sets) do
  local group_key = string.match(key, '^(.*):[^:]*$')
  if group_key then
    has_set[group_key] = true
  end
end
for _, group in ipairs(known) do
  local key = group_prefix .. group
  local size = redis.pcall('ZCARD', key)
  if size == 0 and not has_set[key] and #keys_of_sets < most then
    redis.call('SREM', aggs, group)
  elseif type(size) == 'number' and size > 0 then
    list(group)
  end
end

local page = redis.pcall('SCAN', cursor, 'MATCH', pattern, 'COUNT', count)
-- An error: the user may not.
if page.err then
  return { '0', listed }
end

local function is_group(key, group)
  local members = redis.pcall('ZRANGE', key, 0, members_asked - 1)
  for _, id in ipairs(members) do
    if redis.pcall('HGET', task_prefix .. id, 'group') == group then
      return true
    end
  end
  return false
end

for _, key in ipairs(page[2]) do
  local group = string.sub(key, #group_prefix + 1)
  if redis.call('SISMEMBER', groups, group) == 0 and is_group(key, group) then
    list(group)
  end
end
return { page[1], listed }
