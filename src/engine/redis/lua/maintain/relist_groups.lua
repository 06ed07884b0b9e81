-- relist_groups: register groups that have tasks and are not registered, so that no aggregator would look at them.
-- A Go peer leaves them so when it forwards a task to its group, or returns an aggregation set (V9). Nothing names them:
-- the keys of the database are gone through, some in each call. An aggregation set has a key that looks like a group's,
-- but its tasks say that they are of another one.
--
-- KEYS    groups         set     asynq:{<queue>}:groups
-- ARGV    cursor         string  where the last call ended; 0 to begin
--         pattern        string  of the keys of groups
--         count          int     about how many keys to look at
--         group_prefix   string  asynq:{<queue>}:g:
--         task_prefix    string  asynq:{<queue>}:t:
-- RETURNS array          where to go on, 0 after the last key; groups registered
local groups = KEYS[1]
local cursor, pattern, count, group_prefix, task_prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local members_asked = 10

local page = redis.pcall('SCAN', cursor, 'MATCH', pattern, 'COUNT', count)
-- An error: the user may not, or `groups` is of another type.
if page.err or type(redis.pcall('SCARD', groups)) ~= 'number' then
  return { '0', {} }
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

local listed = {}
for _, key in ipairs(page[2]) do
  local group = string.sub(key, #group_prefix + 1)
  if redis.call('SISMEMBER', groups, group) == 0 and is_group(key, group) then
    -- First a removal, though of nothing: then Redis lets the write after it pass even at `maxmemory`.
    redis.call('SREM', groups, group)
    redis.call('SADD', groups, group)
    listed[#listed + 1] = group
  end
end
return { page[1], listed }
