-- enqueue: store tasks of one queue, of any kind. Each entry is decided on its own, in order, and all that it
-- needs is looked at before it is written: an error is that of its entry, which is not stored.
--
-- An entry is its flags, its message, and in this order what the flags ask for:
--   u  a unique lock: its key, and the milliseconds it lives
--   s  scheduled: the second it is due, rounded up
--   a  with s, due within that second: the instant in milliseconds
--   g  a group: its name, and unless scheduled the key of its zset
--   r  a finished task of the same id makes room
--
-- KEYS    pending        list    asynq:{<queue>}:pending
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         completed      zset    asynq:{<queue>}:completed
--         archived       zset    asynq:{<queue>}:archived
--         groups         set     asynq:{<queue>}:groups
--         due            zset    tq:{<queue>}:due
--         entries...     key     of each entry: its hash, its lock, its group
-- ARGV    queue          string  its name
--         registry       string  asynq:queues; empty where that key may live on another node
--         now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         pending_since  string  now in nanoseconds
--         now_seconds    int     now in whole seconds
--         prefix_length  int     bytes of asynq:{<queue>}:t:
--         unique_prefix  string  asynq:{<queue>}:unique:
--         entries...     any     of each entry: flags, message, ttl, score, instant, group
-- RETURNS array          of each entry: 1 stored, 0 the id is taken, text: the id that holds the lock, or an error
--         array          'clock', seconds, microseconds: nothing was done
local pending, active, lease, scheduled = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local completed, archived, groups, due = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local queue, registry, now, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local pending_since, now_seconds, prefix_length, unique_prefix = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local next_key, next_arg = 9, 9

-- include: clock_guard
-- include: clean_up
-- include: task_id
-- include: unique_lock
-- include: enqueue_entry

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

if registry ~= '' then
  redis.call('SADD', registry, queue)
end
local answers = {}
while next_key <= #KEYS do
  answers[#answers + 1] = enqueue(read_entry())
end
return answers
