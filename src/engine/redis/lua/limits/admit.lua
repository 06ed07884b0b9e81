-- admit: let leased tasks start, as far as their limits allow, or park them until there is room.
-- A task that is parked leaves its lease: it is scheduled for a day far away, so that no forwarder, Go's or ours, moves
-- it, and listed by its limit. Those that come later wait behind it. A call whose answer was lost can be repeated.
--
-- KEYS    slots          zset    tq:{<queue>}:slots
--         parked         zset    tq:{<queue>}:parked
--         turns          zset    tq:{<queue>}:turns
--         looks          zset    tq:{<queue>}:looks
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         rates...       string  tq:{<queue>}:rate:<limit> of each limit
-- ARGV    task_prefix    string  asynq:{<queue>}:t:
--         limit_count    int     how many limits follow
--         entries...     any     of each limit: full name, most at once, most starts in a length, that length in milliseconds;
--                                then of each task: id, score of its lease, how many limits it has, the number of each
-- RETURNS array          of each task: 1 it may start, 0 it is parked, -1 its attempt is no longer the caller's; then when
--                        to look for room, in milliseconds, or 0
local slots, parked, turns, looks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local active, lease, scheduled = KEYS[5], KEYS[6], KEYS[7]
local task_prefix, limit_count = ARGV[1], tonumber(ARGV[2])
local pending, pending_since

-- include: slot_move
local time = redis.call('TIME')
-- include: limits

local limits, arg = {}, 3
for i = 1, limit_count do
  limits[i] = limit_at(arg, KEYS[7 + i])
  arg = arg + 4
end

-- ---- look at everything -------------------------------------------------------------------------------------

local tasks, ids, together = {}, {}, ARGV[arg + 1]
while ARGV[arg] do
  local task = { id = ARGV[arg], score = ARGV[arg + 1], limits = {} }
  if task.score ~= together then
    together = nil
  end
  for i = 1, tonumber(ARGV[arg + 2]) do
    task.limits[i] = limits[tonumber(ARGV[arg + 2 + i])]
  end
  arg = arg + 3 + #task.limits
  tasks[#tasks + 1], ids[#ids + 1] = task, task.id
end
-- Tasks come as they were leased, and what was leased together has one score.
local leased_together = {}
if together and #ids > 7 then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', lease, together, together)) do
    leased_together[id] = true
  end
end
local function is_held(task)
  if leased_together[task.id] then
    return true
  end
  local score = redis.call('ZSCORE', lease, task.id)
  return score and tonumber(score) % 1 == tonumber(task.score) % 1
end

local answers, parking, holding, promises = {}, {}, {}, {}
-- The last place in each line, and the first.
local function places_of(limit)
  if not limit.last then
    local from, to = range_of(limit.full)
    local last = none_parked and {} or redis.call('ZREVRANGEBYLEX', parked, to, from, 'LIMIT', 0, 1)
    local first = none_parked and {} or redis.call('ZRANGEBYLEX', parked, from, to, 'LIMIT', 0, 1)
    local start = #limit.full + 2
    limit.waiting = last[1] ~= nil
    limit.last = tonumber(last[1] and string.sub(last[1], start, start + 15) or 500000000000000)
    limit.first = tonumber(first[1] and string.sub(first[1], start, start + 15) or limit.last + 1)
  end
end

for i, task in ipairs(tasks) do
  if not is_held(task) then
    answers[i] = -1
  else
    local turn = not none_has_turn and redis.call('HGET', task_prefix .. task.id, 'tq:turn')
    if turn and redis.call('ZSCORE', turns, turn .. '\n' .. task.id) then
      promises[#promises + 1] = turn .. '\n' .. task.id
    else
      turn = nil
    end
    local refused
    for _, limit in ipairs(task.limits) do
      measure(limit)
      places_of(limit)
      local may_start
      if turn == limit.full then
        may_start = limit.starts > 0
      else
        may_start = limit.room > 0 and not limit.waiting
      end
      if not may_start then
        refused = limit
        break
      end
    end
    if not refused then
      answers[i] = 1
      for _, limit in ipairs(task.limits) do
        note_start(limit)
        if turn ~= limit.full then
          limit.room = limit.room - 1
        end
        if limit.most > 0 then
          holding[#holding + 1] = 0
          holding[#holding + 1] = limit.full .. '\n' .. task.id
        end
      end
    else
      answers[i] = 0
      local place
      if turn == refused.full then
        refused.first = refused.first - 1
        place = refused.first
      else
        refused.last = refused.last + 1
        place = refused.last
      end
      refused.waiting = true
      refused.was_parked = true
      task.gave_back = turn ~= refused.full and turn
      task.parked_as = refused.full .. '\n' .. string.format('%016.0f', place)
      parking[#parking + 1] = task
    end
  end
end
redis.call('LLEN', active)
redis.call('ZCARD', scheduled)
redis.call('ZCARD', looks)

-- ---- write --------------------------------------------------------------------------------------------------

-- First a removal: then Redis lets the writes after it pass even at `maxmemory`.
redis.call('ZREM', turns, '', unpack(promises))
if #holding > 0 then
  -- A small set in its compact form is searched from end to end. A member that is too long for it, for a moment, makes
  -- the set keep the fast form for as long as it is not empty.
  local crowd = #holding > 16 and redis.call('EXISTS', slots) == 0 and string.rep('-', 65)
  if crowd then
    redis.call('ZADD', slots, 0, crowd, unpack(holding))
    redis.call('ZREM', slots, crowd)
  else
    redis.call('ZADD', slots, unpack(holding))
  end
end
local look = 0
for _, task in ipairs(parking) do
  local key = task_prefix .. task.id
  redis.call('ZREM', lease, task.id)
  redis.call('LREM', active, 1, task.id)
  redis.call('ZADD', scheduled, FAR_AWAY, task.id)
  redis.call('ZADD', parked, 0, task.parked_as .. task.id)
  redis.call('HSET', key, 'state', 'scheduled', 'tq:parked', task.parked_as)
  redis.call('HDEL', key, 'tq:turn')
  if task.gave_back then
    -- Another may have the turn that this one cannot use yet.
    redis.call('ZADD', looks, now, task.gave_back)
    look = now
  end
end
for _, limit in ipairs(limits) do
  if limit.started then
    redis.call('SET', limit.rate_key, cmsgpack.pack(limit.log), 'PX', limit.per)
  end
  if limit.was_parked or (limit.started and limit.waiting) then
    -- Room that nobody waited for a moment ago, or that a promise given back has left, is found at once.
    local at = limit.room > 0 and now or next_look(limit)
    redis.call('ZADD', looks, at, limit.full)
    look = look == 0 and at or math.min(look, at)
  end
end
answers[#answers + 1] = look
return answers
