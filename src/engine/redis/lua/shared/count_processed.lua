-- Counts ended attempts. Last of all, and by `pcall`: a damaged counter must not undo what is already written. Beyond
-- the largest integer both totals begin anew, as in asynq.
if processed_count > 0 then
  -- The caller named the days by a clock that is wrong. Years are counted from March, so that a leap day ends one; 400
  -- of them have 146097 days. A day counter is the total's key, a colon, and the date.
  if shift ~= 0 then
    local days = math.floor(present / 86400000) + 719468
    local in_cycle = days % 146097
    local leap_days = math.floor(in_cycle / 1460) - math.floor(in_cycle / 36524) + math.floor(in_cycle / 146096)
    local year = math.floor((in_cycle - leap_days) / 365)
    local in_year = in_cycle - 365 * year - math.floor(year / 4) + math.floor(year / 100)
    local month = math.floor((5 * in_year + 2) / 153)
    local day = in_year - math.floor((153 * month + 2) / 5) + 1
    year = year + 400 * math.floor(days / 146097) + (month < 10 and 0 or 1)
    local date = string.format(':%04d-%02d-%02d', year, month < 10 and month + 3 or month - 9, day)
    processed_day, failed_day = processed .. date, failed .. date
  end
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
