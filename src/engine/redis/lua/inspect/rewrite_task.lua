-- rewrite_task: replace the message of a scheduled task, if it is still the one that was read.
-- A unique lock that the task holds moves to the new key with what is left of its time.
--
-- KEYS    task      hash    asynq:{<queue>}:t:<id>
--         old_lock  string  lock of the message as it is; the new one's where it does not change
--         new_lock  string  and of the new message
-- ARGV    id        string
--         sha1      string  of the message as it was read
--         message   bytes   the new one
-- RETURNS int       1 rewritten, 0 the message is another one by now
--         bytes     id of the task that has the new lock: nothing was done; empty: a key of another type
local task, old_lock, new_lock = KEYS[1], KEYS[2], KEYS[3]
local id, sha1, message = ARGV[1], ARGV[2], ARGV[3]

local fields = redis.call('HMGET', task, 'state', 'msg')
if fields[1] ~= 'scheduled' or not fields[2] or redis.sha1hex(fields[2]) ~= sha1 then
  return 0
end
if old_lock ~= new_lock then
  if redis.pcall('GET', old_lock) == id then
    local holder = redis.pcall('GET', new_lock)
    if holder and holder ~= id then
      return type(holder) == 'table' and '' or holder
    end
    local left = redis.call('PTTL', old_lock)
    redis.call('DEL', old_lock)
    redis.call('SET', new_lock, id)
    if left > 0 then
      redis.call('PEXPIRE', new_lock, left)
    end
  end
  redis.call('HSET', task, 'unique_key', new_lock)
end
redis.call('HSET', task, 'msg', message)
return 1
