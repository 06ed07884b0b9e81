-- Notes a failed attempt with its task, docs/protocol.md 18.12: a JSON array. Its entries are counted by what stands between
-- them, so that no JSON has to be read to keep the last ten.
local function log_attempt(task, entry)
  if not entry or entry == '' then
    return
  end
  local kept = string.sub(redis.call('HGET', task, 'tq:log') or '', 2, -2)
  local _, count = string.gsub(kept, '\n,', '')
  for _ = 9, count do
    kept = string.match(kept, '\n,(.*)')
  end
  redis.call('HSET', task, 'tq:log', '[' .. (kept == '' and '' or kept .. '\n,') .. entry .. ']')
end

-- How attempts end, docs/protocol.md 8.9-8.13. `present` is the instant, in milliseconds; `shift` is added to instants
-- that the caller computed by a wrong clock.
local function write_retry(id, task, retry_at, message, entry)
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
  log_attempt(task, entry)
end

-- Without a message, the bytes stay as they are: nobody could read them. The janitor keeps the set within its bounds.
local function write_archive(id, task, message, entry)
  redis.call('ZADD', archived, math.floor(present / 1000), id)
  if message then
    redis.call('HSET', task, 'msg', message, 'state', 'archived')
  else
    redis.call('HSET', task, 'state', 'archived')
  end
  log_attempt(task, entry)
end
