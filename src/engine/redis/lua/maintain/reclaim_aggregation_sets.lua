-- reclaim_aggregation_sets: return members of aggregation sets that nobody finished in time to their groups.
-- A group that gets members is registered, or no aggregator would look at it before another task joins.
--
-- KEYS    sets           zset    asynq:{<queue>}:aggregation_sets, member = key of a set, score = deadline
--         groups         set     asynq:{<queue>}:groups
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         cutoff         int     Unix seconds: what was due by then
--         limit          int     the most sets handled in one call
--         group_prefix   string  asynq:{<queue>}:g:
-- RETURNS int            sets reclaimed; equal to limit means there may be more
--         array          'clock', seconds, microseconds: nothing was done
local sets, groups = KEYS[1], KEYS[2]
local now, deadline, cutoff, limit, group_prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local chunk = 1000

-- include: clock_guard

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local function reclaim(set)
  -- The group's key is the set's up to its last colon; set ids have none.
  local group_key = string.match(set, '^(.*):[^:]*$')
  if not group_key or string.sub(group_key, 1, #group_prefix) ~= group_prefix then
    return
  end
  local size = redis.call('ZCARD', set)
  for from = 0, size - 1, chunk do
    local members = redis.call('ZRANGE', set, from, from + chunk - 1, 'WITHSCORES')
    local pairs_of = {}
    for i = 1, #members, 2 do
      pairs_of[i], pairs_of[i + 1] = members[i + 1], members[i]
    end
    redis.call('ZADD', group_key, unpack(pairs_of))
  end
  if size > 0 then
    redis.call('SADD', groups, string.sub(group_key, #group_prefix + 1))
  end
  redis.call('DEL', set)
end

local due = redis.call('ZRANGE', sets, '-inf', cutoff, 'BYSCORE', 'LIMIT', 0, limit)
for _, set in ipairs(due) do
  reclaim(set)
  redis.call('ZREM', sets, set)
end
return #due
