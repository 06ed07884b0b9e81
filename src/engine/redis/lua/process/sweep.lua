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
-- include: refusals
-- include: fence
-- include: slot_move
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

-- Everything is read before the first write.
local scores = redis.call('ZMSCORE', lease, unpack(found))
local twice, stubs, full = {}, {}, false
for j = #found, 1, -1 do
  local id = found[j]
  if seen[id] then
    twice[#twice + 1] = id
  elseif scores[j] then
    kept = kept + 1
  elseif #leased + #dropped == limit then
    full = true
    break
  else
    local task = task_prefix .. id
    local message, state, deletable = read_task(task, active)
    if message and state == 'active' then
      kept = kept + 1
      leased[#leased + 1] = id
    else
      dropped[#dropped + 1] = id
      stubs[#stubs + 1] = deletable and not message and task or nil
    end
  end
  seen[id] = true
end
if slot_is_moving then
  return try_again()
end

local ends = math.ceil(time[1] + time[2] / 1000000) + length + RESERVED
for _, id in ipairs(leased) do
  -- First a removal, though of nothing: then Redis lets the write after it pass even at `maxmemory`.
  redis.call('ZREM', lease, id)
  redis.call('ZADD', lease, ends, id)
end
for _, id in ipairs(dropped) do
  clean_up(id)
end
for _, id in ipairs(twice) do
  redis.call('LREM', active, 1, id)
end
for _, task in ipairs(stubs) do
  redis.call('DEL', task)
end
return { kept, (full or #found == window) and 1 or 0, leased, dropped }
