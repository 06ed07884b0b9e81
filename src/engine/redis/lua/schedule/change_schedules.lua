-- change_schedules: set fields of the stored schedules, or remove them, and tell all who watch the version.
--
-- KEYS    schedules   hash    tq:schedules
-- ARGV    changes...  any     a field and its value; an empty value removes the field
-- RETURNS int         how many of the fields were there before
local schedules = KEYS[1]

local found, changed = 0, false
for i = 1, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  local before = redis.call('HGET', schedules, field)
  if before then
    found = found + 1
  end
  if (before or '') ~= value then
    changed = true
    if value == '' then
      redis.call('HDEL', schedules, field)
    else
      redis.call('HSET', schedules, field, value)
    end
  end
end
if changed then
  redis.call('HINCRBY', schedules, 'version', 1)
end
return found
