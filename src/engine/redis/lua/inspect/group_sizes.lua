-- group_sizes: a part of a queue's groups, with the tasks that wait in each.
--
-- KEYS    groups        set     asynq:{<queue>}:groups
-- ARGV    cursor        string  where the last part ended; 0 to begin
--         count         int     about how many groups
--         group_prefix  string  asynq:{<queue>}:g:
-- RETURNS array         where to go on, 0 after the last part; of each group, its name and size
local groups = KEYS[1]
local cursor, count, group_prefix = ARGV[1], ARGV[2], ARGV[3]

local page = redis.call('SSCAN', groups, cursor, 'COUNT', count)
local sizes = {}
for _, group in ipairs(page[2]) do
  local size = redis.pcall('ZCARD', group_prefix .. group)
  sizes[#sizes + 1] = group
  sizes[#sizes + 1] = type(size) == 'number' and size or 0
end
return { page[1], sizes }
