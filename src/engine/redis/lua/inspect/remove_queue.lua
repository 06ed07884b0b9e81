-- remove_queue: delete some of what a queue without tasks has left: counters, locks, its pause, aggregation sets with
-- their tasks, tasks that lie nowhere, and all that is ours. Nothing names them all: the keys of the database are gone
-- through, some in each call. While the queue holds tasks, nothing is done.
--
-- KEYS    pending     list    asynq:{<queue>}:pending
--         active      list    asynq:{<queue>}:active
--         scheduled   zset    asynq:{<queue>}:scheduled
--         retry       zset    asynq:{<queue>}:retry
--         archived    zset    asynq:{<queue>}:archived
--         completed   zset    asynq:{<queue>}:completed
--         groups      set     asynq:{<queue>}:groups
-- ARGV    cursor      string  where the last call ended; 0 to begin; empty: only look whether it holds tasks
--         pattern     string  of the queue's keys
--         count       int     about how many keys to look at
--         prefix      string  asynq:{<queue>}:
--         our_prefix  string  tq:{<queue>}:
-- RETURNS string      where to go on, 0 after the last key; empty: it holds tasks
local pending, active, scheduled, retry = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local archived, completed, groups = KEYS[5], KEYS[6], KEYS[7]
local cursor, pattern, count, prefix, our_prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- A key of another type holds no tasks, and goes with the rest.
local function holds_tasks(look, key)
  local size = redis.pcall(look, key)
  return type(size) == 'number' and size > 0
end

for _, list in ipairs({ pending, active }) do
  if holds_tasks('LLEN', list) then
    return ''
  end
end
for _, set in ipairs({ scheduled, retry, archived, completed }) do
  if holds_tasks('ZCARD', set) then
    return ''
  end
end
if holds_tasks('SCARD', groups) then
  return ''
elseif cursor == '' then
  return '0'
end

local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', count)
for _, key in ipairs(page[2]) do
  if string.sub(key, 1, #prefix) == prefix or string.sub(key, 1, #our_prefix) == our_prefix then
    redis.call('UNLINK', key)
  end
end
return page[1]
