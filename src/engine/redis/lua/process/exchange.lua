-- exchange: settle attempts, then lease pending tasks.
-- The order matters (docs/protocol.md 18.9): look at everything; settle what is not a requeue; lease; put requeued
-- tasks back. A task put back before the leasing would be leased again at once, for ever.
--
-- Outcomes come in the order of their leasing, a letter of `kinds` each: d done, c complete, k complete with a result,
-- r retry of a failure, s retry that is none, a archive, x archive with the bytes as they are, q requeue, b requeue that
-- brings the bytes of a task whose hash is gone. A capital letter: the task has a unique lock, to be released.
--
-- KEYS    pending        list    asynq:{<queue>}:pending
--         paused         string  asynq:{<queue>}:paused
--         active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease, score = end of the lease + token of the attempt
--         scheduled      zset    asynq:{<queue>}:scheduled
--         retry          zset    asynq:{<queue>}:retry
--         archived       zset    asynq:{<queue>}:archived
--         completed      zset    asynq:{<queue>}:completed
--         due            zset    tq:{<queue>}:due
--         processed_day  string  asynq:{<queue>}:processed:<day>
--         failed_day     string  asynq:{<queue>}:failed:<day>
--         processed      string  asynq:{<queue>}:processed
--         failed         string  asynq:{<queue>}:failed
--         tasks...       hash    asynq:{<queue>}:t:<id> of each outcome, then the unique locks in the same order
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         limit          int     the most tasks to lease
--         budget         int     bytes of messages after which leasing stops; one task is leased whatever its size
--         score          string  of the new leases; text, since Lua would cut it to 14 digits
--         nonce          string  names this exchange, should its reply be lost
--         task_prefix    string  asynq:{<queue>}:t:
--         prefix_length  int     its bytes
--         kinds          string  a letter for each outcome
--         runs           int     how many runs of outcomes share a score
--         proven         int     1: each outcome brings a proof that its task was leased by the caller
--         outcomes...    any     score and length of each run; then, if proven, SHA-1 of the leased message of each
--                                outcome; then of each outcome: c expiry, message; k the same, result; r s instant,
--                                message; a b message. Instants in milliseconds
-- RETURNS array          status: ok, clock, token (the score is taken), unready (keys are on the move, or of another type); Unix milliseconds;
--                        position and refusal of each outcome that was not settled; 1 when pending may hold more;
--                        id and message of each leased task; ids dropped from pending
local pending, paused, active, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local scheduled, retry, archived, completed, due = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local processed_day, failed_day, processed, failed = KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local now, deadline, limit, budget = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local score, nonce, task_prefix, prefix_length = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local kinds, runs, proven = ARGV[9], tonumber(ARGV[10]), ARGV[11] == '1'
local keys_before, args_before = 13, 11

-- include: clock_guard
local clock_is_wrong = clock_differs(now, deadline)
local time_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local shift = clock_is_wrong and time_ms - now or 0
local present = now + shift

-- include: fence
-- include: clean_up
-- include: settle
-- include: slot_move

-- ---- look at everything -------------------------------------------------------------------------------------

-- Of each outcome, by its position. No table of its own each: most are a plain success, and there are many.
local count = #kinds
local ids, tasks, wanted, held = {}, {}, {}, {}
local arg = args_before

-- Outcomes of one exchange come together, and what they still hold has one score.
local apart = {}
for _ = 1, runs do
  local run_score, length = ARGV[arg + 1], tonumber(ARGV[arg + 2])
  arg = arg + 2
  local together = {}
  if length >= 8 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', lease, run_score, run_score)) do
      together[id] = run_score
    end
  end
  for i = #ids + 1, #ids + length do
    local task = KEYS[keys_before + i]
    local id = string.sub(task, prefix_length + 1)
    ids[i], tasks[i], wanted[i], held[i] = id, task, run_score, together[id] or false
    if not held[i] then
      apart[#apart + 1] = i
    end
  end
end
if #apart > 0 then
  local apart_ids = {}
  for j, i in ipairs(apart) do
    apart_ids[j] = ids[i]
  end
  for j, found in ipairs(redis.call('ZMSCORE', lease, unpack(apart_ids))) do
    held[apart[j]] = found
  end
end
-- The oldest attempts are at the tail, a few more than are asked for. Looking also shows that `active` is a list.
-- Few are removed one by one.
local tail
if count > 2 then
  tail = redis.call('LRANGE', active, -count - 8, -1)
else
  redis.call('LLEN', active)
  tail = {}
end

local proof_before = arg
if proven then
  arg = arg + count
end
-- Plain successes need neither.
local DETAILS, CONTAINER = {}, {}
if string.find(kinds, '[^dD]') then
  DETAILS = { c = 2, k = 3, r = 2, s = 2, a = 1, b = 1 }
  CONTAINER = { c = completed, k = completed, r = retry, s = retry, a = archived, x = archived }
end
local lock_before = keys_before + count
local details_before, by_proof, seen, usable = {}, {}, {}, {}
-- Positions of the outcomes that take effect, apart from plain successes; locks by the id that may hold them.
local settling, requeueing, locks = {}, {}, {}
local ended, deleted, stale, answers = {}, {}, {}, {}

local function refuse(i, why)
  answers[#answers + 1] = i
  answers[#answers + 1] = why
end

for i = 1, count do
  local id, task = ids[i], tasks[i]
  local letter = string.sub(kinds, i, i)
  local kind = string.lower(letter)
  local lock
  if letter ~= kind then
    lock_before = lock_before + 1
    lock = KEYS[lock_before]
  end
  details_before[i] = arg
  arg = arg + (DETAILS[kind] or 0)

  local state = state_of(task)
  local why = refusal(held[i], wanted[i], state)
  if why == UNLEASED and proven then
    why = refusal_of_proof(task, state, ARGV[proof_before + i])
    by_proof[i] = why == nil
    if why == GONE then
      stale[#stale + 1] = id
    end
  end

  if why then
    refuse(i, why)
  elseif state == nil or (state and state ~= 'active') then
    -- The hash was lost and the id used again: finishing the old attempt would hit the new task.
    stale[#stale + 1] = id
    refuse(i, GONE)
  elseif kind == 'q' and not state then
    refuse(i, GHOST)
  elseif kind == 'q' or kind == 'b' then
    requeueing[#requeueing + 1] = i
  elseif seen[id] then
    refuse(i, GONE)
  else
    seen[id] = true
    ended[#ended + 1] = id
    if lock then
      locks[id] = lock
    end
    if kind == 'd' then
      deleted[#deleted + 1] = task
    else
      settling[#settling + 1] = i
      local container = CONTAINER[kind]
      if not usable[container] then
        redis.call('ZCARD', container)
        if container == retry then
          redis.call('ZCARD', due)
        end
        usable[container] = true
      end
    end
  end
end
if #requeueing > 0 then
  redis.call('LLEN', pending)
end

-- ---- settle -------------------------------------------------------------------------------------------------

-- Attempts end roughly in the order in which they began, so most lie in the tail: cut it off and push back who stays.
local function take_from_active(leaving)
  local passed, kept, depth = {}, 0, 0
  for back = 1, #tail do
    local id = tail[#tail + 1 - back]
    if leaving[id] then
      leaving[id] = nil
      kept, depth = #passed, back
    else
      passed[#passed + 1] = id
    end
  end
  if depth > 0 then
    redis.call('LTRIM', active, 0, -depth - 1)
  end
  if kept > 0 then
    local staying = {}
    for i = kept, 1, -1 do
      staying[#staying + 1] = passed[i]
    end
    redis.call('RPUSH', active, unpack(staying))
  end
  for id in pairs(leaving) do
    redis.call('LREM', active, -1, id)
  end
end

if #ended > 0 then
  -- First a removal: then Redis lets the writes after it pass even at `maxmemory`.
  redis.call('ZREM', lease, unpack(ended))
  local leaving = {}
  for _, id in ipairs(ended) do
    leaving[id] = true
  end
  take_from_active(leaving)
  if #deleted > 0 then
    redis.call('DEL', unpack(deleted))
    processed_count = #deleted
  end

  for _, i in ipairs(settling) do
    local kind, id, task, first = string.lower(string.sub(kinds, i, i)), ids[i], tasks[i], details_before[i] + 1
    if kind == 'c' or kind == 'k' then
      redis.call('ZADD', completed, math.floor((ARGV[first] + shift) / 1000), id)
      redis.call('HSET', task, 'msg', ARGV[first + 1], 'state', 'completed')
      if kind == 'k' then
        redis.call('HSET', task, 'result', ARGV[first + 2])
      end
      processed_count = processed_count + 1
    elseif kind == 'r' or kind == 's' then
      write_retry(id, task, ARGV[first], ARGV[first + 1])
      if kind == 'r' then
        count_failure()
      end
    else
      write_archive(id, task, kind == 'a' and ARGV[first])
      count_failure()
    end
  end
  for id, lock in pairs(locks) do
    if redis.pcall('GET', lock) == id then
      redis.call('DEL', lock)
    end
  end
  write_counters()
end
for _, id in ipairs(stale) do
  clean_up(id)
end

-- ---- lease --------------------------------------------------------------------------------------------------

local status, more, grants, dropped = 'ok', 0, {}, {}

-- A copy: the task runs, waits or has ended elsewhere, and this entry would run it once more.
-- A table: a container of another type hides the answer.
local function is_copy(id, state)
  local elsewhere = { active = lease, scheduled = scheduled, retry = retry, archived = archived, completed = completed }
  local container = elsewhere[state]
  return container and redis.pcall('ZSCORE', container, id)
end

-- Looks at each task before the first write: an id that is popped and then fails would lie nowhere.
local function lease_tasks(found)
  local chosen, tasks_chosen, ghosts, misplaced = {}, {}, {}, {}
  local known, bytes, looked = {}, 0, 0
  for j = #found, 1, -1 do
    local id = found[j]
    local task = task_prefix .. id
    local fields = redis.pcall('HMGET', task, 'msg', 'state')
    local message, state = fields[1], fields[2]
    if not message and not fields.err then
      look_for_move(task, active)
    end
    if slot_is_moving or is_refused(fields) then
      return 'unready'
    end
    if message and bytes > 0 and bytes + #message > budget then
      break
    end
    local copy = message and state ~= 'pending' and is_copy(id, state)
    if type(copy) == 'table' then
      return 'unready'
    end
    looked = looked + 1
    if not message then
      -- A hash that has no message is a stub; a key of another type is not ours to delete.
      ghosts[#ghosts + 1] = { id = id, stub = not fields.err and task }
      dropped[#dropped + 1] = id
    elseif known[id] or copy then
      dropped[#dropped + 1] = id
    else
      if state ~= 'pending' then
        misplaced[#misplaced + 1] = id
      end
      bytes = bytes + #message
      local nth = #chosen + 1
      chosen[nth], tasks_chosen[nth] = id, task
      grants[2 * nth - 1], grants[2 * nth] = id, message
    end
    known[id] = true
  end
  more = (#found == limit or looked < #found) and 1 or 0

  redis.call('LTRIM', pending, 0, -looked - 1)
  for _, ghost in ipairs(ghosts) do
    clean_up(ghost.id)
    if ghost.stub then
      redis.call('DEL', ghost.stub)
    end
  end
  for _, id in ipairs(misplaced) do
    redis.call('LREM', active, 0, id)
  end
  if #chosen == 0 then
    return 'ok'
  end
  -- The newest ends at the head, so that the oldest attempts are found from the tail.
  redis.call('LPUSH', active, unpack(chosen))
  local leases = {}
  for nth, id in ipairs(chosen) do
    leases[2 * nth - 1], leases[2 * nth] = score, id
  end
  -- Fractions are slow in the compact form of a small set. A member that is too long for it, for a moment, makes the
  -- set keep the fast form for as long as it is not empty.
  local crowd = #chosen > 4 and redis.call('EXISTS', lease) == 0 and string.rep('-', 65)
  while crowd and known[crowd] do
    crowd = crowd .. '-'
  end
  if crowd then
    leases[#leases + 1] = score
    leases[#leases + 1] = crowd
  end
  redis.call('ZADD', lease, unpack(leases))
  if crowd then
    redis.call('ZREM', lease, crowd)
  end
  for _, task in ipairs(tasks_chosen) do
    redis.call('HSET', task, 'state', 'active', 'tq:x', nonce)
    redis.call('HDEL', task, 'pending_since')
  end
  return 'ok'
end

if limit > 0 then
  if clock_is_wrong then
    status = 'clock'
  elseif redis.call('EXISTS', paused) == 0 then
    local found = redis.call('LRANGE', pending, -limit, -1)
    if #found > 0 then
      if redis.call('ZCOUNT', lease, score, score) > 0 then
        status = 'token'
      else
        status = lease_tasks(found)
      end
    end
  end
end
if status == 'unready' then
  grants, dropped = {}, {}
end

-- ---- requeue ------------------------------------------------------------------------------------------------

-- The last leased first, so that the first leased is the next to be taken.
for j = #requeueing, 1, -1 do
  local i = requeueing[j]
  local id, task = ids[i], tasks[i]
  local holder = redis.call('ZSCORE', lease, id)
  if (by_proof[i] and not seen[id]) or (holder and refusal(holder, wanted[i], 'active') == nil) then
    seen[id] = true
    redis.call('ZREM', lease, id)
    redis.call('LREM', active, -1, id)
    redis.call('RPUSH', pending, id)
    redis.call('HSET', task, 'state', 'pending', 'pending_since', string.format('%.0f000000', present))
    if string.sub(kinds, i, i) == 'b' then
      redis.call('HSET', task, 'msg', ARGV[details_before[i] + 1])
    end
  else
    refuse(i, GONE)
  end
end

return { status, time_ms, answers, more, grants, dropped }
