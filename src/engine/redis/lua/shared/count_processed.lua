-- Counts ended attempts. Last of all, and by `pcall`: a damaged counter must not undo what is already written. Beyond
-- the largest integer both totals begin anew, as in asynq.
if processed_count > 0 then
  local kept_until = math.floor(present / 1000) + 90 * 86400
  if redis.pcall('INCRBY', processed_day, processed_count) == processed_count then
    redis.call('EXPIREAT', processed_day, kept_until)
  end
  if failed_count > 0 and redis.pcall('INCRBY', failed_day, failed_count) == failed_count then
    redis.call('EXPIREAT', failed_day, kept_until)
  end
  local total = redis.pcall('INCRBY', processed, processed_count)
  if type(total) == 'table' and string.find(total.err, 'overflow', 1, true) then
    redis.call('SET', processed, processed_count)
    redis.call('SET', failed, failed_count)
  elseif failed_count > 0 then
    redis.pcall('INCRBY', failed, failed_count)
  end
end
