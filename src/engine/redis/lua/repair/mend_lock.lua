-- mend_lock: look whether the task that holds a unique lock is there and knows of it, and free a lock that leaked.
--
-- KEYS    lock         key     asynq:{<queue>}:unique:<type>:<digest>
--         any          key     any other key of the queue
-- ARGV    repair       int     1: mend
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS array        empty: nothing is wrong; else the holder, and why it does not count: gone, completed, stranger
local lock, any = KEYS[1], KEYS[2]
local repair, task_prefix = tonumber(ARGV[1]), ARGV[2]

-- include: slot_move
-- include: unique_lock

local holder = redis.pcall('GET', lock)
if type(holder) ~= 'string' then
  return {}
end
local task = task_prefix .. holder
local fields = redis.pcall('HMGET', task, 'msg', 'state', 'unique_key')
if fields.err then
  return is_refused(fields) and try_again() or {}
end
local why
if not fields[1] then
  look_for_move(task, any)
  if slot_is_moving then
    return try_again()
  end
  why = 'gone'
elseif fields[2] == 'completed' then
  why = 'completed'
elseif fields[3] ~= lock and unique_key_in(fields[1]) ~= lock then
  why = 'stranger'
else
  return {}
end
if repair == 1 then
  redis.call('DEL', lock)
end
return { holder, why }
