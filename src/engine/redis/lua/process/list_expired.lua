-- list_expired: attempts whose lease has run out, to be recovered.
-- An id without a message is only removed. A lease further ahead than any writer would put it comes from a clock that
-- jumped, and is brought back: by the time of Redis alone, or a caller whose clock is behind would cut every live lease.
--
-- KEYS    active       list    asynq:{<queue>}:active
--         lease        zset    asynq:{<queue>}:lease
-- ARGV    now          int     Unix milliseconds
--         deadline     int     Unix milliseconds
--         cutoff       string  Unix seconds with fraction: what ended by then
--         limit        int     the most ids handled in one call
--         budget       int     bytes of messages after which the list ends
--         length       int     of a lease, in seconds
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS array        id, score and message of each
--         array        'clock', seconds, microseconds: nothing was done
local active, lease = KEYS[1], KEYS[2]
local now, deadline, cutoff, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local budget, length, task_prefix = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

-- include: clock_guard
-- include: slot_move
-- include: read_task
-- include: clean_up

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local expired, stale, stubs, bytes = {}, {}, {}, 0
local ended = redis.call('ZRANGEBYSCORE', lease, '-inf', cutoff, 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #ended, 2 do
  local id = ended[i]
  local task = task_prefix .. id
  local message, _, deletable = read_task(task, lease)
  if message then
    bytes = bytes + #message
    expired[#expired + 1] = id
    expired[#expired + 1] = ended[i + 1]
    expired[#expired + 1] = message
    if bytes > budget then
      break
    end
  else
    stale[#stale + 1] = id
    stubs[#stubs + 1] = deletable and task or nil
  end
end
if slot_is_moving then
  return try_again()
end

for _, id in ipairs(stale) do
  clean_up(id)
end
for _, task in ipairs(stubs) do
  redis.call('DEL', task)
end
local seconds = time[1] + time[2] / 1000000
local too_far = '(' .. string.format('%.17g', seconds + 4 * length)
local ahead = redis.call('ZRANGEBYSCORE', lease, too_far, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #ahead, 2 do
  local id, fraction = ahead[i], tonumber(ahead[i + 1]) % 1
  -- Of an infinite score, it is no number.
  fraction = fraction == fraction and fraction or 0
  redis.call('ZREM', lease, id)
  redis.call('ZADD', lease, math.ceil(seconds) + length + fraction, id)
end
return expired
