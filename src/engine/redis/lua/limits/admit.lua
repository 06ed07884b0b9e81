-- admit: let leased tasks start, as far as their limits allow, or park them until there is room.
-- A task that is parked leaves its lease: it is scheduled for a day far away, so that no forwarder, Go's or ours, moves
-- it, and listed by its limit. Those that come later wait behind it. A call whose answer was lost can be repeated.
--
-- KEYS    slots          hash    tq:{<queue>}:slots
--         held           hash    tq:{<queue>}:held
--         parked         zset    tq:{<queue>}:parked
--         turns          zset    tq:{<queue>}:turns
--         looks          zset    tq:{<queue>}:looks
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         rates...       string  tq:{<queue>}:rate:<limit> of each limit that has a rate
-- ARGV    task_prefix    string  asynq:{<queue>}:t:
--         score          string  of the leases of all these tasks; empty: they have several, or are few
--         limit_count    int     how many limits follow
--         entries...     any     of each limit: full name, most at once, most starts in a length, that length in milliseconds;
--                                then of each task: id, score of its lease, how many limits it has, the number of each
-- RETURNS array          of each task: 1 it may start, 0 it is parked, -1 its attempt is no longer the caller's; then when
--                        to look for room, in milliseconds, or 0
local slots, held, parked, turns, looks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local active, lease, scheduled = KEYS[6], KEYS[7], KEYS[8]
local task_prefix, score, limit_count = ARGV[1], ARGV[2], tonumber(ARGV[3])
local pending, pending_since

-- include: slot_move
local time = redis.call('TIME')
-- include: limits

-- include: named_limits

-- ---- look at everything -------------------------------------------------------------------------------------

-- What was leased together has one score.
local leased_together = {}
if score ~= '' then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', lease, score, score)) do
    leased_together[id] = true
  end
end

-- The last place in the line before a limit, and the first.
local function find_places(limit)
  limit.last = 500000000000000
  if not none_parked then
    local from, to = range_of(limit.full)
    local start = #limit.full + 2
    local last = redis.call('ZREVRANGEBYLEX', parked, to, from, 'LIMIT', 0, 1)[1]
    if last then
      local first = redis.call('ZRANGEBYLEX', parked, from, to, 'LIMIT', 0, 1)[1]
      limit.waiting = true
      limit.last = tonumber(string.sub(last, start, start + 15))
      limit.first = tonumber(string.sub(first, start, start + 15))
    end
  end
  limit.first = limit.first or limit.last + 1
end

local answers, parking, promises = {}, {}, {}
-- Whose slots are taken, limit by limit, and as members.
local holding, members = {}, {}
while ARGV[arg] do
  local id, own_score, first = ARGV[arg], ARGV[arg + 1], arg + 3
  local last = arg + 2 + tonumber(ARGV[arg + 2])
  arg = last + 1
  local is_held = leased_together[id]
  if not is_held then
    local found = redis.call('ZSCORE', lease, id)
    is_held = found and tonumber(found) % 1 == tonumber(own_score) % 1
  end
  if not is_held then
    answers[#answers + 1] = -1
  else
    local turn = not none_has_turn and redis.call('HGET', task_prefix .. id, 'tq:turn')
    if turn and redis.call('ZSCORE', turns, turn .. '\n' .. id) then
      promises[#promises + 1] = turn .. '\n' .. id
    else
      turn = nil
    end
    local refused
    for at = first, last do
      local limit = limits[tonumber(ARGV[at])]
      if not limit.room then
        measure(limit)
        find_places(limit)
      end
      local may_start = limit.room > 0 and not limit.waiting
      if turn == limit.full then
        may_start = limit.starts > 0
      end
      if not may_start then
        refused = limit
        break
      end
    end
    if not refused then
      answers[#answers + 1] = 1
      for at = first, last do
        local limit = limits[tonumber(ARGV[at])]
        note_start(limit)
        if turn ~= limit.full then
          limit.room = limit.room - 1
        end
        if limit.most > 0 then
          holding[#holding + 1] = limit
          members[#holding] = limit.full .. '\n' .. id
        end
      end
    else
      answers[#answers + 1] = 0
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
      parking[#parking + 1] = {
        id = id,
        gave_back = turn ~= refused.full and turn,
        parked_as = refused.full .. '\n' .. string.format('%016.0f', place),
      }
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
  take_slots(holding, members)
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
