-- restore_tasks: put archived tasks back to where they were before an operator archived them.
-- Each is decided on its own; one that is archived no more is left alone. Scores of delayed tasks are whole seconds here.
--
-- KEYS    archived       zset    asynq:{<queue>}:archived
--         pending        list    asynq:{<queue>}:pending
--         scheduled      zset    asynq:{<queue>}:scheduled
--         retry          zset    asynq:{<queue>}:retry
--         tasks...       hash    asynq:{<queue>}:t:<id> of each
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         pending_since  string  now in nanoseconds
--         prefix_length  int     bytes of asynq:{<queue>}:t:
--         places...      string  of each task: pending, scheduled or retry, and of the latter its score: a pair each
-- RETURNS array          of each task: 1 it is back, 2 it is not archived
--         array          'clock', seconds, microseconds: nothing was done
local archived, pending, scheduled, retry = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, deadline, pending_since, prefix_length = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local keys_before, args_before = 4, 4
local delayed = { scheduled = scheduled, retry = retry }

-- include: clock_guard

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end
local RESTORED, NOT_ARCHIVED = 1, 2
local answers = {}
-- Reads of each type that is about to be written: a key of another type ends the script before its first write.
redis.call('LLEN', pending)
redis.call('ZCARD', scheduled)
redis.call('ZCARD', retry)
for i = keys_before + 1, #KEYS do
  local id = string.sub(KEYS[i], prefix_length + 1)
  local is_archived = redis.call('HGET', KEYS[i], 'state') == 'archived' and redis.call('ZSCORE', archived, id)
  answers[i - keys_before] = is_archived and RESTORED or NOT_ARCHIVED
end

for position, answer in ipairs(answers) do
  if answer == RESTORED then
    local task = KEYS[keys_before + position]
    local id = string.sub(task, prefix_length + 1)
    local state, score = ARGV[args_before + 2 * position - 1], ARGV[args_before + 2 * position]
    redis.call('ZREM', archived, id)
    if delayed[state] then
      redis.call('ZADD', delayed[state], score, id)
      redis.call('HSET', task, 'state', state)
    else
      redis.call('LPUSH', pending, id)
      redis.call('HSET', task, 'state', 'pending', 'pending_since', pending_since)
    end
  end
end
return answers
