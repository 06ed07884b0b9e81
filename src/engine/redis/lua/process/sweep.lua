-- sweep: repair ids that are active but have no lease; nobody else would ever look at them.
-- A task that really is active gets a lease with the reserved fraction: its worker, if it lives, takes it over; if not,
-- it expires as any other. Time comes from Redis alone.
--
-- KEYS    active       list    asynq:{<queue>}:active
--         lease        zset    asynq:{<queue>}:lease
-- ARGV    now          int     Unix milliseconds
--         deadline     int     Unix milliseconds
--         offset       int     where to begin, counted from the tail
--         window       int     how many entries to look at
--         limit        int     the most ids repaired
--         length       int     of a lease, in seconds
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS array        how many entries are settled for this round, 1 if there are more, ids leased, ids dropped
--         array        'clock', seconds, microseconds: nothing was done
local active, lease = KEYS[1], KEYS[2]
local now, deadline, offset, window = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, length, task_prefix = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

-- include: clock_guard
-- include: fence
-- include: read_task
-- include: clean_up

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local found = redis.call('LRANGE', active, -offset - window, -offset - 1)
local leased, dropped, kept, seen = {}, {}, 0, {}
if #found == 0 then
  return { 0, 0, leased, dropped }
end
local ends = math.ceil(time[1] + time[2] / 1000000) + length + RESERVED

local scores = redis.call('ZMSCORE', lease, unpack(found))
for j = #found, 1, -1 do
  local id = found[j]
  local task = task_prefix .. id
  if seen[id] then
    redis.call('LREM', active, 1, id)
  elseif scores[j] then
    kept = kept + 1
  elseif #leased + #dropped == limit then
    return { kept, 1, leased, dropped }
  else
    local message, state, deletable = read_task(task)
    if message and state == 'active' then
      kept = kept + 1
      leased[#leased + 1] = id
      -- First a removal, though of nothing: then Redis lets the write after it pass even at `maxmemory`.
      redis.call('ZREM', lease, id)
      redis.call('ZADD', lease, ends, id)
    else
      dropped[#dropped + 1] = id
      clean_up(id)
      if deletable and not message then
        redis.call('DEL', task)
      end
    end
  end
  seen[id] = true
end
return { kept, #found == window and 1 or 0, leased, dropped }
