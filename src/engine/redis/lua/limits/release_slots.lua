-- release_slots: give back the slots of attempts that have ended, and let those that wait for them have their turn.
-- Who is still leased keeps the slot, whatever the caller says: it may be another attempt at the same task.
--
-- KEYS    slots          hash    tq:{<queue>}:slots
--         held           hash    tq:{<queue>}:held
--         parked         zset    tq:{<queue>}:parked
--         turns          zset    tq:{<queue>}:turns
--         looks          zset    tq:{<queue>}:looks
--         pending        list    asynq:{<queue>}:pending
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
--         rates...       string  tq:{<queue>}:rate:<limit> of each limit that has a rate
-- ARGV    task_prefix    string  asynq:{<queue>}:t:
--         pending_since  string  now in nanoseconds
--         limit_count    int     how many limits follow
--         entries...     any     of each limit: full name, most at once, most starts in a length, that length in milliseconds;
--                                then of each attempt: id, the number of a limit, 1 if the task was handed back
-- RETURNS int            tasks that have their turn
local slots, held, parked, turns, looks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local pending, lease, scheduled = KEYS[6], KEYS[7], KEYS[8]
local task_prefix, pending_since, limit_count = ARGV[1], ARGV[2], tonumber(ARGV[3])

-- include: slot_move
local time = redis.call('TIME')
-- include: limits

-- include: named_limits
local first, ids = arg, {}
for i = first, #ARGV, 3 do
  ids[#ids + 1] = ARGV[i]
end
local leases, holding, members = redis.call('ZMSCORE', lease, unpack(ids)), {}, {}
for nth, id in ipairs(ids) do
  if not leases[nth] then
    local at = first + 3 * nth - 3
    local limit = limits[tonumber(ARGV[at + 1])]
    if ARGV[at + 2] == '1' then
      give_back(limit, id)
    else
      holding[#holding + 1] = limit
      members[#holding] = limit.full .. '\n' .. id
    end
  end
end
if #holding > 0 then
  free_slots(holding, members)
end

local released = 0
for _, limit in ipairs(limits) do
  if not none_parked then
    released = released + unpark(limit)
    plan_look(limit)
  end
end
return released
