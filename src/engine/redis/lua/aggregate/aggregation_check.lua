-- aggregation_check: move the oldest members of a group into an aggregation set, if it is time.
-- It is when the group is full, when its oldest member has waited too long, or when nobody has joined for a while. A set
-- that exists already answers as it did: the last answer was lost.
--
-- KEYS    group          zset    asynq:{<queue>}:g:<group>, score = time it joined
--         set            zset    asynq:{<queue>}:g:<group>:<set id>
--         sets           zset    asynq:{<queue>}:aggregation_sets, member = key of a set, score = deadline
--         groups         set     asynq:{<queue>}:groups
--         aggs           set     tq:{<queue>}:aggs
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         name           string  of the group
--         max_size       int     the group is full with so many; 0 never
--         oldest_by      string  Unix seconds: who joined by then has waited too long; empty for nobody
--         newest_by      int     Unix seconds: if the last one joined by then, it is time
--         limit          int     the most members of a set
--         set_deadline   int     Unix seconds
-- RETURNS string         the set's deadline, or empty: it is not time
--         array          'clock', seconds, microseconds: nothing was done
local group, set, sets, groups, aggs = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, deadline, name, max_size = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local oldest_by, newest_by, limit, set_deadline = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]

-- include: clock_guard
if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local made = redis.call('ZSCORE', sets, set)
if made then
  return made
end

local function joined_at(rank)
  return tonumber(redis.call('ZRANGE', group, rank, rank, 'WITHSCORES')[2])
end

local size = redis.call('ZCARD', group)
if size == 0 then
  return ''
end
local is_full = max_size > 0 and size >= max_size
local is_old = oldest_by ~= '' and joined_at(0) <= tonumber(oldest_by)
if not (is_full or is_old or joined_at(-1) <= newest_by) then
  return ''
end
-- Fails here, before the first write, if one of them is of another type.
redis.call('ZCARD', set)
redis.call('SCARD', groups)
redis.call('SCARD', aggs)

local count = math.min(size, limit)
local members = redis.call('ZRANGE', group, 0, count - 1, 'WITHSCORES')
local moved = {}
for i = 1, #members, 2 do
  moved[i], moved[i + 1] = members[i + 1], members[i]
end
-- First the removal: then Redis lets the writes after it pass even at `maxmemory`.
redis.call('ZREMRANGEBYRANK', group, 0, count - 1)
redis.call('ZADD', set, unpack(moved))
redis.call('ZADD', sets, set_deadline, set)
-- A Go peer that returns the set does not list the group: here it is found.
redis.call('SADD', aggs, name)
if count == size then
  redis.call('SREM', groups, name)
end
return set_deadline
