-- review_limits: look at limits with tasks that wait whose time has come: give back what dead servers held, let tasks have
-- their turn, and let all go whose limit no live server has. Also looks at a few slots and promises of any limit, so
-- that none stays behind.
--
-- KEYS    slots          zset    tq:{<queue>}:slots
--         parked         zset    tq:{<queue>}:parked
--         turns          zset    tq:{<queue>}:turns
--         looks          zset    tq:{<queue>}:looks
--         pending        list    asynq:{<queue>}:pending
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
-- ARGV    task_prefix    string  asynq:{<queue>}:t:
--         rate_prefix    string  tq:{<queue>}:rate:
--         pending_since  string  now in nanoseconds
--         slot_cursor    bytes   the last slot looked at; empty: begin
--         turn_cursor    bytes   the last promise looked at; empty: begin
--         entries...     any     of each limit that a live server has: name, most at once, most starts in a length, that
--                                length in milliseconds
-- RETURNS array          tasks that have their turn; when to look again in milliseconds, 0: nobody waits; both cursors
local slots, parked, turns, looks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local pending, lease, scheduled = KEYS[5], KEYS[6], KEYS[7]
local task_prefix, rate_prefix, pending_since = ARGV[1], ARGV[2], ARGV[3]
local slot_cursor, turn_cursor = ARGV[4], ARGV[5]
local LIMITS_A_CALL, MEMBERS_A_CALL = 50, 50

-- include: slot_move
local time = redis.call('TIME')
-- include: limits

local known = {}
for arg = 6, #ARGV, 4 do
  known[ARGV[arg]] = arg
end
local function limit_of(full)
  local arg = known[string.match(full, '^[^\n]*')]
  local limit = arg and limit_at(arg, rate_prefix .. full) or { most = 0, rate = 0, per = 0, is_gone = true }
  limit.full = full
  return limit
end

-- The limit's name and key, and the id, of a slot or a promise.
local function parts_of(member)
  return string.match(member, '^([^\n]*\n[^\n]*)\n(.*)$')
end

local function free_slots(members)
  for _, member in ipairs(members) do
    local full, id = parts_of(member)
    if not redis.call('ZSCORE', lease, id) then
      give_back(full, id)
    end
  end
end

-- A promise stands while its task waits for it in pending, or runs.
local function check_turns(members)
  for _, member in ipairs(members) do
    local full, id = parts_of(member)
    local task = task_prefix .. id
    local fields = redis.pcall('HMGET', task, 'state', 'tq:turn')
    if not fields[1] then
      look_for_move(task, lease)
    end
    local stands = fields[2] == full
      and (fields[1] == 'pending' or (fields[1] == 'active' and redis.call('ZSCORE', lease, id)))
    if not stands and not slot_is_moving and not is_refused(fields) then
      redis.call('ZREM', turns, member)
    end
  end
end

local function some_of(set, cursor)
  local found = redis.call('ZRANGEBYLEX', set, cursor == '' and '-' or '(' .. cursor, '+', 'LIMIT', 0, MEMBERS_A_CALL)
  return found, #found == MEMBERS_A_CALL and found[#found] or ''
end

local some, slot_end = some_of(slots, slot_cursor)
free_slots(some)
local promised, turn_end = some_of(turns, turn_cursor)
check_turns(promised)

local released = 0
for _, full in ipairs(redis.call('ZRANGEBYSCORE', looks, '-inf', now, 'LIMIT', 0, LIMITS_A_CALL)) do
  local limit = limit_of(full)
  local from, to = range_of(full)
  free_slots(redis.call('ZRANGEBYLEX', slots, from, to, 'LIMIT', 0, 1000))
  check_turns(redis.call('ZRANGEBYLEX', turns, from, to, 'LIMIT', 0, 1000))
  local moved = unpark(limit, limit.is_gone)
  released = released + moved
  plan_look(limit, (slot_is_moving and now + 1000) or (moved >= UNPARKED_A_CALL and now) or nil)
end
local first = redis.call('ZRANGE', looks, 0, 0, 'WITHSCORES')
return { released, tonumber(first[2] or 0), slot_end, turn_end }
