-- review_limits: look at limits with tasks that wait whose time has come: give back what dead servers held, let tasks have
-- their turn, and let all go whose limit no live server has. Also looks at a few slots and promises of any limit, so
-- that none stays behind.
--
-- KEYS    slots          hash    tq:{<queue>}:slots
--         held           hash    tq:{<queue>}:held
--         parked         zset    tq:{<queue>}:parked
--         turns          zset    tq:{<queue>}:turns
--         looks          zset    tq:{<queue>}:looks
--         pending        list    asynq:{<queue>}:pending
--         lease          zset    asynq:{<queue>}:lease
--         scheduled      zset    asynq:{<queue>}:scheduled
-- ARGV    task_prefix    string  asynq:{<queue>}:t:
--         rate_prefix    string  tq:{<queue>}:rate:
--         pending_since  string  now in nanoseconds
--         slot_cursor    string  where the look at slots goes on; 0: begin
--         turn_cursor    bytes   the last promise looked at; empty: begin
--         entries...     any     of each limit that a live server has: name, most at once, most starts in a length, that
--                                length in milliseconds
-- RETURNS array          tasks that have their turn; when to look again in milliseconds, 0: nobody waits; both cursors
local slots, held, parked, turns, looks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local pending, lease, scheduled = KEYS[6], KEYS[7], KEYS[8]
local task_prefix, rate_prefix, pending_since = ARGV[1], ARGV[2], ARGV[3]
local slot_cursor, turn_cursor = ARGV[4], ARGV[5]
local LIMITS_A_CALL, TURNS_A_CALL, SLOTS_A_CALL = 50, 50, 2000

-- include: slot_move
local time = redis.call('TIME')
-- include: limits

local known, met = {}, {}
for arg = 6, #ARGV, 4 do
  known[ARGV[arg]] = arg
end
local function limit_of(full)
  if not met[full] then
    local arg = known[string.match(full, '^[^\n]*')]
    met[full] = arg and limit_at(arg, rate_prefix .. full) or { most = 0, rate = 0, per = 0, is_gone = true }
    met[full].full = full
  end
  return met[full]
end

-- The limit's name and key, and the id, of a slot or a promise.
local function parts_of(member)
  return string.match(member, '^([^\n]*\n[^\n]*)\n(.*)$')
end

-- Of attempts that have no lease any more: their servers are dead.
local function free_lost(members)
  local ids, owners = {}, {}
  for i, member in ipairs(members) do
    owners[i], ids[i] = parts_of(member)
  end
  local leases = #ids > 0 and redis.call('ZMSCORE', lease, unpack(ids)) or {}
  for i, id in ipairs(ids) do
    if not leases[i] then
      give_back(limit_of(owners[i]), id)
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

local looked = 0
repeat
  local page = redis.call('HSCAN', slots, slot_cursor, 'COUNT', 200)
  local members = {}
  for i = 1, #page[2], 2 do
    if parts_of(page[2][i]) then
      members[#members + 1] = page[2][i]
    end
  end
  free_lost(members)
  slot_cursor, looked = page[1], looked + #page[2] / 2
until slot_cursor == '0' or looked >= SLOTS_A_CALL
-- Whatever has happened to the numbers: they are right again.
if redis.call('HLEN', slots) <= SLOTS_A_CALL then
  local counts = recount()
  for full, limit in pairs(met) do
    limit.held = counts[full] or 0
  end
end

local from = turn_cursor == '' and '-' or '(' .. turn_cursor
local promised = redis.call('ZRANGEBYLEX', turns, from, '+', 'LIMIT', 0, TURNS_A_CALL)
turn_cursor = #promised == TURNS_A_CALL and promised[#promised] or ''
check_turns(promised)

local released = 0
for _, full in ipairs(redis.call('ZRANGEBYSCORE', looks, '-inf', now, 'LIMIT', 0, LIMITS_A_CALL)) do
  local limit = limit_of(full)
  local from, to = range_of(full)
  check_turns(redis.call('ZRANGEBYLEX', turns, from, to, 'LIMIT', 0, 1000))
  local moved = unpark(limit, limit.is_gone)
  released = released + moved
  plan_look(limit, (slot_is_moving and now + 1000) or (moved >= UNPARKED_A_CALL and now) or nil)
end
local first = redis.call('ZRANGE', looks, 0, 0, 'WITHSCORES')
return { released, tonumber(first[2] or 0), slot_cursor, turn_cursor }
