-- queue_info: the sizes, counters and age of one queue.
--
-- KEYS    pending          list    asynq:{<queue>}:pending
--         active           list    asynq:{<queue>}:active
--         scheduled        zset    asynq:{<queue>}:scheduled
--         retry            zset    asynq:{<queue>}:retry
--         archived         zset    asynq:{<queue>}:archived
--         completed        zset    asynq:{<queue>}:completed
--         groups           set     asynq:{<queue>}:groups
--         processed_today  string  asynq:{<queue>}:processed:<day>
--         failed_today     string  asynq:{<queue>}:failed:<day>
--         processed        string  asynq:{<queue>}:processed
--         failed           string  asynq:{<queue>}:failed
--         paused           string  asynq:{<queue>}:paused
-- ARGV    task_prefix      string  asynq:{<queue>}:t:
--         group_prefix     string  asynq:{<queue>}:g:
-- RETURNS array            tasks pending, active, scheduled, retry, archived, completed and aggregating, groups; the four
--                          counters as text or nil; 1 when paused; pending_since of the next pending task or nil
local pending, active, scheduled, retry = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local archived, completed, groups = KEYS[5], KEYS[6], KEYS[7]
local processed_today, failed_today, processed, failed, paused = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local task_prefix, group_prefix = ARGV[1], ARGV[2]

local group_names = redis.call('SMEMBERS', groups)
local aggregating = 0
for _, group in ipairs(group_names) do
  aggregating = aggregating + redis.call('ZCARD', group_prefix .. group)
end

local oldest = redis.call('LINDEX', pending, -1)
local since = oldest and redis.pcall('HGET', task_prefix .. oldest, 'pending_since')

return {
  redis.call('LLEN', pending),
  redis.call('LLEN', active),
  redis.call('ZCARD', scheduled),
  redis.call('ZCARD', retry),
  redis.call('ZCARD', archived),
  redis.call('ZCARD', completed),
  aggregating,
  #group_names,
  redis.call('GET', processed_today),
  redis.call('GET', failed_today),
  redis.call('GET', processed),
  redis.call('GET', failed),
  redis.call('EXISTS', paused),
  type(since) == 'string' and since,
}
