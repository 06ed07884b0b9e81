-- memory_usage: how many bytes a queue takes, estimated from some of its tasks.
-- What is missing, of another type, or not allowed to be asked for counts as nothing.
--
-- KEYS    pending       list    asynq:{<queue>}:pending
--         active        list    asynq:{<queue>}:active
--         scheduled     zset    asynq:{<queue>}:scheduled
--         retry         zset    asynq:{<queue>}:retry
--         archived      zset    asynq:{<queue>}:archived
--         completed     zset    asynq:{<queue>}:completed
--         groups        set     asynq:{<queue>}:groups
-- ARGV    task_prefix   string  asynq:{<queue>}:t:
--         group_prefix  string  asynq:{<queue>}:g:
-- RETURNS int           bytes; -1: Redis does not say
local pending, active, scheduled, retry = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local archived, completed, groups = KEYS[5], KEYS[6], KEYS[7]
local task_prefix, group_prefix = ARGV[1], ARGV[2]
local SAMPLE, GROUPS = 20, 5

local function number(reply)
  return type(reply) == 'number' and reply or 0
end

local function usage(key)
  return number(redis.pcall('MEMORY', 'USAGE', key))
end

-- Of those tasks that are there; 0 if none is.
local function average(ids)
  local bytes, found = 0, 0
  for _, id in ipairs(ids) do
    local task = usage(task_prefix .. id)
    if task > 0 then
      bytes, found = bytes + task, found + 1
    end
  end
  return found == 0 and 0 or bytes / found
end

if type(redis.pcall('MEMORY', 'USAGE', pending)) == 'table' then
  return -1
end
local total = 0
for _, list in ipairs({ pending, active }) do
  total = total + usage(list) + average(redis.pcall('LRANGE', list, 0, SAMPLE - 1)) * number(redis.pcall('LLEN', list))
end
for _, set in ipairs({ scheduled, retry, archived, completed }) do
  total = total + usage(set) + average(redis.pcall('ZRANGE', set, 0, SAMPLE - 1)) * number(redis.pcall('ZCARD', set))
end
local size, sample = 0, {}
for i, group in ipairs(redis.pcall('SMEMBERS', groups)) do
  local set = group_prefix .. group
  size = size + number(redis.pcall('ZCARD', set))
  if i <= GROUPS then
    total = total + usage(set)
    for _, id in ipairs(redis.pcall('ZRANGE', set, 0, SAMPLE - 1)) do
      sample[#sample + 1] = id
    end
  end
end
return math.floor(total + average(sample) * size)
