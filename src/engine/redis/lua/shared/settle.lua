-- How attempts end, docs/protocol.md 8.9-8.13. `present` is the instant, in milliseconds; `shift` is added to instants
-- that the caller computed by a wrong clock.
local processed_count, failed_count = 0, 0

local function write_retry(id, task, retry_at, message)
  local at = retry_at + shift
  redis.call('ZADD', retry, math.ceil(at / 1000), id)
  if at % 1000 ~= 0 and at - present <= 60000 then
    redis.call('HSET', task, 'msg', message, 'state', 'retry', 'tq:at', at)
    redis.call('ZADD', due, at, id)
    redis.call('PEXPIRE', due, 120000)
  else
    redis.call('HSET', task, 'msg', message, 'state', 'retry')
    redis.call('HDEL', task, 'tq:at')
    redis.call('ZREM', due, id)
  end
end

-- Without a message, the bytes stay as they are: nobody could read them. The janitor keeps the set within its bounds.
local function write_archive(id, task, message)
  redis.call('ZADD', archived, math.floor(present / 1000), id)
  if message then
    redis.call('HSET', task, 'msg', message, 'state', 'archived')
  else
    redis.call('HSET', task, 'state', 'archived')
  end
end

local function count_failure()
  processed_count = processed_count + 1
  failed_count = failed_count + 1
end

local function count_day(key, n)
  if redis.pcall('INCRBY', key, n) == n then
    redis.call('EXPIREAT', key, math.floor(present / 1000) + 90 * 86400)
  end
end

-- Last of all, and by `pcall`: a damaged counter must not undo what is already written. Beyond the largest integer
-- both totals begin anew, as in asynq.
local function write_counters()
  if processed_count == 0 then
    return
  end
  count_day(processed_day, processed_count)
  local total = redis.pcall('INCRBY', processed, processed_count)
  local overflows = type(total) == 'table' and string.find(total.err, 'overflow', 1, true)
  if overflows then
    redis.call('SET', processed, processed_count)
  end
  if failed_count > 0 then
    count_day(failed_day, failed_count)
    if overflows then
      redis.call('SET', failed, failed_count)
    else
      redis.pcall('INCRBY', failed, failed_count)
    end
  end
end
