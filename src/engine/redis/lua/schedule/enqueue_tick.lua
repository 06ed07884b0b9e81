-- enqueue_tick: enqueue the task of one tick of a periodic entry, unless that tick or a later one was before.
-- The last tick is kept with what is needed to judge the next one: when the scheduler that enqueued it was started, until
-- when older ones that mean something else are to keep still, a digest of what it means, and the id of the task.
--
-- KEYS    tick           string  tq:{<queue>}:tick:<entry>
--         pending        list    asynq:{<queue>}:pending
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         completed      zset    asynq:{<queue>}:completed
--         archived       zset    asynq:{<queue>}:archived
--         groups         set     asynq:{<queue>}:groups
--         due            zset    tq:{<queue>}:due
--         entries...     key     of the entry: its hash, its lock, its group
-- ARGV    queue          string  its name
--         registry       string  asynq:queues; empty where that key may live on another node
--         now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         pending_since  string  now in nanoseconds
--         now_seconds    int     now in whole seconds
--         prefix_length  int     bytes of asynq:{<queue>}:t:
--         unique_prefix  string  asynq:{<queue>}:unique:
--         at             int     Unix seconds of the tick
--         memory         int     seconds that it is remembered
--         started_at     int     Unix milliseconds
--         claim_until    int     Unix seconds
--         digest         string  hexadecimal
--         entries...     any     of the entry: flags, message, ttl, score, instant, group
-- RETURNS array          'used', as of one entry of `enqueue`: the tick is used up, unless it is an error
--         array          'taken', id of the task that was enqueued for this tick or a later one
--         array          'superseded', 'early' or 'late': nothing was done
--         array          'clock', seconds, microseconds: nothing was done
local tick, pending, active, lease, scheduled = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local completed, archived, groups, due = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local queue, registry, now, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local pending_since, now_seconds, prefix_length, unique_prefix = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local at, memory, started_at, claim_until = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12]
local digest = ARGV[13]
local next_key, next_arg = 10, 14

-- include: clock_guard
-- include: clean_up
-- include: task_id
-- include: unique_lock
-- include: enqueue_entry

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local present = tonumber(time[1])
if at > present + 2 then
  return { 'early' }
end
-- It may be forgotten by now that this one was enqueued.
if at < present - memory / 2 then
  return { 'late' }
end

-- What is not text of this form, or from a clock that was wrong, is no tick.
local stored = redis.pcall('GET', tick)
local last, started, claim, meaning, task =
  string.match(type(stored) == 'string' and stored or '', '^(%d+) (%d+) (%d+) (%x+) (.*)$')
if last and tonumber(last) <= present + 60 then
  if at <= tonumber(last) then
    if meaning ~= digest and tonumber(started) < started_at then
      -- The older one was quicker this time. From the next tick on the newer meaning holds; without memory, from a later one.
      local value = string.format('%s %.0f %s %s %s', last, started_at, claim_until, digest, task)
      redis.pcall('SET', tick, value, 'EX', memory)
    end
    return { 'taken', task }
  end
  if meaning ~= digest and tonumber(started) > started_at and tonumber(claim) >= present then
    return { 'superseded' }
  end
  if meaning == digest and tonumber(started) > started_at then
    started_at = tonumber(started)
  end
end

if registry ~= '' then
  redis.call('SADD', registry, queue)
end
local entry = read_entry()
local answer = enqueue(entry)
-- The tick after the task: a task that cannot be stored leaves its tick for another try.
if type(answer) ~= 'table' then
  local value = string.format('%d %.0f %s %s %s', at, started_at, claim_until, digest, entry.id)
  redis.call('SET', tick, value, 'EX', memory)
end
return { 'used', answer }
