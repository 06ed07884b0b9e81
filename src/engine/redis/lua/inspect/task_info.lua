-- task_info: one task, and when it is due.
--
-- KEYS    task       hash  asynq:{<queue>}:t:<id>
--         scheduled  zset  asynq:{<queue>}:scheduled
--         retry      zset  asynq:{<queue>}:retry
-- ARGV    id         string
-- RETURNS array      state, msg, result, tq:at, score of a task that waits for its time, tq:log; nil where there is none
local task, scheduled, retry = KEYS[1], KEYS[2], KEYS[3]
local id = ARGV[1]

local fields = redis.call('HMGET', task, 'state', 'msg', 'result', 'tq:at', 'tq:log')
local score = false
if fields[1] == 'scheduled' then
  score = redis.call('ZSCORE', scheduled, id)
elseif fields[1] == 'retry' then
  score = redis.call('ZSCORE', retry, id)
end
return { fields[1], fields[2], fields[3], fields[4], score, fields[5] }
