-- delete_expired: delete completed tasks whose retention is over.
-- An id without a hash is dropped as well: nothing else would ever remove it.
--
-- KEYS    completed    zset    asynq:{<queue>}:completed, score = time to delete
-- ARGV    now          int     Unix seconds
--         limit        int     the most ids handled in one call
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS int          ids removed; equal to limit means there may be more
local completed = KEYS[1]
local now, limit, task_prefix = ARGV[1], ARGV[2], ARGV[3]

local ids = redis.call('ZRANGE', completed, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)
if #ids == 0 then
  return 0
end
local tasks = {}
for i, id in ipairs(ids) do
  tasks[i] = task_prefix .. id
end
-- `limit` is ours and far below what unpack can carry.
redis.call('DEL', unpack(tasks))
return redis.call('ZREM', completed, unpack(ids))
