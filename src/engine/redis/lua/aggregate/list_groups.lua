-- list_groups: what an aggregator must know of the groups of a queue, some in each call.
-- A listed group without tasks is left out.
--
-- KEYS    groups         set     asynq:{<queue>}:groups
-- ARGV    cursor         string  where the last call ended; 0 to begin
--         count          int     about how many groups to look at
--         group_prefix   string  asynq:{<queue>}:g:
-- RETURNS array          where to go on, 0 after the last group; of each group its name, how many tasks it has, and
--                        the lowest and the highest score
local groups = KEYS[1]
local cursor, count, group_prefix = ARGV[1], ARGV[2], ARGV[3]

-- include: slot_move

local page = redis.call('SSCAN', groups, cursor, 'COUNT', count)
local answer = { page[1] }
for _, group in ipairs(page[2]) do
  local key = group_prefix .. group
  local size = redis.pcall('ZCARD', key)
  if is_refused(size) then
    return try_again()
  elseif size == 0 then
    look_for_move(key, groups)
  elseif type(size) == 'number' then
    local n = #answer
    answer[n + 1], answer[n + 2] = group, size
    answer[n + 3] = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    answer[n + 4] = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  end
end
if slot_is_moving then
  return try_again()
end
return answer
