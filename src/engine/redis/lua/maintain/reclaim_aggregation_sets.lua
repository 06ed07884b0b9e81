-- reclaim_aggregation_sets: return members of aggregation sets that nobody finished in time to their groups.
-- A group that gets members is registered, or no aggregator would look at it before another task joins. What is no set
-- of this queue only loses its entry. A set whose group is of another type waits another minute, or it would hold up
-- all behind it.
--
-- KEYS    sets           zset    asynq:{<queue>}:aggregation_sets, member = key of a set, score = deadline
--         groups         set     asynq:{<queue>}:groups
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         cutoff         int     Unix seconds: what was due by then
--         limit          int     the most sets handled in one call
--         group_prefix   string  asynq:{<queue>}:g:
-- RETURNS array          entries handled, equal to limit means there may be more; sets whose group is of another type
--         array          'clock', seconds, microseconds: nothing was done
local sets, groups = KEYS[1], KEYS[2]
local now, deadline, cutoff, limit, group_prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local chunk = 1000

-- include: clock_guard
-- include: slot_move

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

-- The group's key is the set's up to its last colon; set ids have none.
local function group_key_of(set)
  local key = string.match(set, '^(.*):[^:]*$')
  return key and string.sub(key, 1, #group_prefix) == group_prefix and key
end

local function is_usable(look, key)
  return type(redis.pcall(look, key)) == 'number'
end

local function reclaim(set, size, group_key)
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
local found, blocked = {}, {}
for _, set in ipairs(due) do
  local group_key = group_key_of(set)
  if group_key then
    look_for_move(set, group_key)
    local size = redis.pcall('ZCARD', set)
    if type(size) == 'number' then
      if is_usable('ZCARD', group_key) and is_usable('SCARD', groups) then
        found[#found + 1] = { set = set, size = size, group_key = group_key }
      else
        blocked[#blocked + 1] = set
      end
    end
  end
end
if slot_is_moving then
  return try_again()
end

-- First the removals: then Redis lets the writes after them pass even at `maxmemory`.
if #due > 0 then
  redis.call('ZREM', sets, unpack(due))
end
for _, set in ipairs(blocked) do
  redis.call('ZADD', sets, math.floor(now / 1000) + 60, set)
end
for _, each in ipairs(found) do
  reclaim(each.set, each.size, each.group_key)
end
return { #due, blocked }
