-- trim_archive: delete archived tasks that are too old, and the oldest where there are too many.
-- Bounded, unlike trimming by the script that archives: after a long time without it there may be any number.
-- A task that is listed here but is not archived lives elsewhere: only the listing goes.
--
-- KEYS    archived       zset    asynq:{<queue>}:archived, score = time archived
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         cutoff         int     Unix seconds: what was archived by then is too old
--         size           int     the most that stay
--         limit          int     the most ids handled in one call
--         task_prefix    string  asynq:{<queue>}:t:
--         unique_prefix  string  asynq:{<queue>}:unique:
-- RETURNS int            ids removed; equal to limit means there may be more
--         array          'clock', seconds, microseconds: nothing was done
local archived = KEYS[1]
local now, deadline, cutoff, size = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local limit, task_prefix, unique_prefix = tonumber(ARGV[5]), ARGV[6], ARGV[7]

-- include: clock_guard
-- include: slot_move
-- include: task_state
-- include: unique_lock

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local too_old = redis.call('ZCOUNT', archived, '-inf', cutoff)
local too_many = redis.call('ZCARD', archived) - size
local count = math.min(limit, math.max(too_old, too_many))
if count <= 0 then
  return 0
end
local ids = redis.call('ZRANGE', archived, 0, count - 1)
local ended = {}
for _, id in ipairs(ids) do
  if is_in_state(task_prefix .. id, 'archived', archived) then
    ended[#ended + 1] = id
  end
end
if slot_is_moving then
  return try_again()
end

for _, id in ipairs(ended) do
  release_lock(task_prefix .. id, id, unique_prefix)
  redis.call('DEL', task_prefix .. id)
end
redis.call('ZREM', archived, unpack(ids))
return count
