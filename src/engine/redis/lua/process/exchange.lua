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
--                                outcome; then of each outcome: c expiry, message; k the same, result; s instant,
--                                message; r the same, entry; a message, entry; b message. Instants in milliseconds; an
--                                entry of the task's log may be empty
-- RETURNS array          status: ok, clock, token (the score is taken), unready (keys are on the move, or of another type); Unix milliseconds;
--                        position and refusal of each outcome that was not settled; 1 when pending may hold more;
--                        id, message and pending_since of each leased task; ids dropped from pending
local pending, paused, active, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local scheduled, retry, archived, completed, due = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local processed_day, failed_day, processed, failed = KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local now, deadline, limit, budget = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local score, nonce, task_prefix, prefix_length = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local kinds, runs, proven = ARGV[9], tonumber(ARGV[10]), ARGV[11] == '1'
local keys_before, args_before = 13, 11

-- include: refusals
-- include: clock_guard
local clock_is_wrong = clock_differs(now, deadline)
local time_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local shift = clock_is_wrong and time_ms - now or 0
local present = now + shift

-- ---- look at everything -------------------------------------------------------------------------------------

-- Of each outcome, by its position: the score it brings and, where that is not what is held, what is: false for nothing.
local count = #kinds
local ids, tasks, wanted, held = {}, {}, {}, nil
local arg = args_before
for _ = 1, runs do
  local run_score, length = ARGV[arg + 1], tonumber(ARGV[arg + 2])
  local first, last, run_end = #ids + 1, #ids + length, tonumber(run_score)
  arg = arg + 2
  for i = first, last do
    local task = KEYS[keys_before + i]
    ids[i], tasks[i], wanted[i] = string.sub(task, prefix_length + 1), task, run_score
  end
  if length < 8 then
    for j, found in ipairs(redis.call('ZMSCORE', lease, unpack(ids, first, last))) do
      if tonumber(found) ~= run_end then
        held = held or {}
        held[first + j - 1] = found
      end
    end
  else
    -- Outcomes of one exchange come together, and what they still hold has one score.
    local together = {}
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', lease, run_score, run_score)) do
      together[id] = true
    end
    for i = first, last do
      if not together[ids[i]] then
        held = held or {}
        held[i] = redis.call('ZSCORE', lease, ids[i])
      end
    end
  end
end
-- The oldest attempts are at the tail, a few more than are asked for. Looking also shows that `active` is a list.
-- Few are removed one by one.
local tail
if count > 2 then
  tail = redis.call('LRANGE', active, -count - 8, -1)
else
  redis.call('LLEN', active)
end

-- Ids that leave `active`, and the hashes of those that leave nothing behind; by id, those still to be taken out.
local ended, deleted, leaving = ids, tasks, {}
-- Usually all are plain successes of tasks that are held: then there is nothing more to be looked at.
local plain = not held and not proven and not string.find(kinds, '[^d]')
for i = 1, plain and count or 0 do
  local id = ids[i]
  plain = plain and not leaving[id] and redis.pcall('HGET', tasks[i], 'state') == 'active'
  leaving[id] = true
end

-- Else also: positions of other outcomes that take effect; locks by the id that may hold them; requeues that have
-- shown their right by a proof; ids without a task to end; where the details of an outcome begin; ids already met.
local settling, requeueing, seen, locks, by_proof, stale, details_before
local answers = {}
if not plain then
  -- include: fence
  local DETAILS = { c = 2, k = 3, r = 3, s = 2, a = 2, b = 1 }
  local CONTAINER = { c = completed, k = completed, r = retry, s = retry, a = archived, x = archived }
  local lock_before, proof_before = keys_before + count, arg
  if proven then
    arg = arg + count
  end
  held = held or {}
  ended, deleted, leaving = {}, {}, {}
  settling, requeueing, seen, locks, by_proof, stale, details_before = {}, {}, {}, {}, {}, {}, {}
  local written = {}

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

    local holder = held[i]
    if holder == nil then
      holder = wanted[i]
    end
    local state = state_of(task)
    local why = refusal(holder, wanted[i], state)
    if why == UNLEASED and proven then
      why = refusal_of_proof(task, state, ARGV[proof_before + i])
      by_proof[i] = why == nil
      if why == GONE then
        stale[#stale + 1] = id
      end
    elseif not why and (state == nil or (state and state ~= 'active')) then
      -- The hash was lost and the id used again: finishing the old attempt would hit the new task.
      stale[#stale + 1] = id
      why = GONE
    end

    if not why then
      if kind == 'q' and not state then
        why = GHOST
      elseif kind == 'q' or kind == 'b' then
        requeueing[#requeueing + 1] = i
      elseif seen[id] then
        why = GONE
      else
        seen[id], leaving[id] = true, true
        ended[#ended + 1] = id
        locks[id] = lock
        if kind == 'd' then
          deleted[#deleted + 1] = task
        else
          settling[#settling + 1] = i
          written[CONTAINER[kind]] = true
        end
      end
    end
    if why then
      answers[#answers + 1] = i
      answers[#answers + 1] = why
    end
  end

  -- Fails here, before the first write, if one of them is of another type.
  for container in pairs(written) do
    redis.call('ZCARD', container)
  end
  if written[retry] then
    redis.call('ZCARD', due)
  end
  if #requeueing > 0 then
    redis.call('LLEN', pending)
  end
end

-- ---- settle -------------------------------------------------------------------------------------------------

if #ended > 0 then
  -- First a removal: then Redis lets the writes after it pass even at `maxmemory`.
  redis.call('ZREM', lease, unpack(ended))

  -- Attempts end roughly in the order in which they began, so most lie in the tail: cut it off and push back who stays.
  if tail then
    local passed, kept, depth, left = {}, 0, 0, #ended
    for back = 1, #tail do
      local id = tail[#tail + 1 - back]
      if leaving[id] then
        leaving[id] = nil
        kept, depth, left = #passed, back, left - 1
        if left == 0 then
          break
        end
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
  end
  for id in pairs(leaving) do
    redis.call('LREM', active, -1, id)
  end

  local processed_count, failed_count = #deleted, 0
  if #deleted > 0 then
    redis.call('DEL', unpack(deleted))
  end
  if settling then
    -- include: settle
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
        write_retry(id, task, ARGV[first], ARGV[first + 1], kind == 'r' and ARGV[first + 2])
      else
        write_archive(id, task, kind == 'a' and ARGV[first], kind == 'a' and ARGV[first + 1])
      end
      if kind == 'r' or kind == 'a' or kind == 'x' then
        processed_count, failed_count = processed_count + 1, failed_count + 1
      end
    end
    for id, lock in pairs(locks) do
      if redis.pcall('GET', lock) == id then
        redis.call('DEL', lock)
      end
    end
  end
  -- include: count_processed
end
if stale then
  -- include: clean_up
  for _, id in ipairs(stale) do
    clean_up(id)
  end
end

-- ---- lease --------------------------------------------------------------------------------------------------

local status, found = 'ok', nil
if limit > 0 then
  if clock_is_wrong then
    status = 'clock'
  elseif redis.call('EXISTS', paused) == 0 then
    found = redis.call('LRANGE', pending, -limit, -1)
    if #found > 0 and redis.call('ZCOUNT', lease, score, score) > 0 then
      status, found = 'token', nil
    end
  end
end

local more, grants, dropped = 0, {}, {}
if found and #found > 0 then
  -- Looks at each task before the first write: an id that is popped and then fails would lie nowhere.
  local chosen, tasks_chosen, ghosts, misplaced = {}, {}, {}, {}
  local known, bytes, looked = {}, 0, 0
  for j = #found, 1, -1 do
    local id = found[j]
    local task = task_prefix .. id
    local fields = redis.pcall('HMGET', task, 'msg', 'state', 'pending_since')
    local message, state = fields[1], fields[2]
    local is_copy = known[id]
    if not message or state ~= 'pending' then
      -- include: slot_move
      if not message and not fields.err then
        look_for_move(task, active)
      end
      -- A copy: the task runs, waits or has ended elsewhere, and this entry would run it once more.
      -- A table: a container of another type hides the answer.
      local elsewhere = { active = lease, scheduled = scheduled, retry = retry, archived = archived, completed = completed }
      local container = message and elsewhere[state]
      if message and state == 'aggregating' then
        container = string.gsub(task_prefix, 't:$', 'g:') .. (redis.call('HGET', task, 'group') or '')
      end
      local copy = container and redis.pcall('ZSCORE', container, id)
      if message and state == 'aggregating' and not copy then
        -- Or in a set that was cut from the group: whoever cut it aggregates the task.
        local sets = string.gsub(task_prefix, 't:$', 'aggregation_sets')
        for _, set in ipairs(redis.pcall('ZRANGE', sets, 0, 999)) do
          if not copy and string.sub(set, 1, #container + 1) == container .. ':' then
            copy = redis.pcall('ZSCORE', set, id)
          end
        end
      end
      if slot_is_moving or is_refused(fields) or type(copy) == 'table' then
        status = 'unready'
        break
      end
      is_copy = is_copy or copy
    end
    if message and bytes > 0 and bytes + #message > budget then
      break
    end
    looked = looked + 1
    if not message then
      -- A hash that has no message is a stub; a key of another type is not ours to delete.
      ghosts[#ghosts + 1] = { id = id, stub = not fields.err and task }
      dropped[#dropped + 1] = id
    elseif is_copy then
      dropped[#dropped + 1] = id
    else
      if state ~= 'pending' then
        misplaced[#misplaced + 1] = id
      end
      bytes = bytes + #message
      local nth = #chosen + 1
      chosen[nth], tasks_chosen[nth] = id, task
      grants[3 * nth - 2], grants[3 * nth - 1], grants[3 * nth] = id, message, fields[3]
    end
    known[id] = true
  end

  if status == 'unready' then
    grants, dropped = {}, {}
  else
    more = (#found == limit or looked < #found) and 1 or 0
    redis.call('LTRIM', pending, 0, -looked - 1)
    if #ghosts > 0 then
      -- include: clean_up
      for _, ghost in ipairs(ghosts) do
        clean_up(ghost.id)
        if ghost.stub then
          redis.call('DEL', ghost.stub)
        end
      end
    end
    for _, id in ipairs(misplaced) do
      redis.call('LREM', active, 0, id)
    end
    if #chosen > 0 then
      -- The newest ends at the head, so that the oldest attempts are found from the tail.
      redis.call('LPUSH', active, unpack(chosen))
      local leases = {}
      for nth, id in ipairs(chosen) do
        leases[2 * nth - 1], leases[2 * nth] = score, id
      end
      -- Fractions are slow in the compact form of a small set. A member that is too long for it, for a moment, makes
      -- the set keep the fast form for as long as it is not empty.
      local crowd = #chosen > 16 and redis.call('EXISTS', lease) == 0 and string.rep('-', 65)
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
    end
  end
end

-- ---- requeue ------------------------------------------------------------------------------------------------

-- The last leased first, so that the first leased is the next to be taken.
for j = requeueing and #requeueing or 0, 1, -1 do
  local i = requeueing[j]
  local id, task = ids[i], tasks[i]
  local holder = redis.call('ZSCORE', lease, id)
  if (by_proof[i] and not seen[id]) or (holder and tonumber(holder) % 1 == tonumber(wanted[i]) % 1) then
    seen[id] = true
    redis.call('ZREM', lease, id)
    redis.call('LREM', active, -1, id)
    redis.call('RPUSH', pending, id)
    redis.call('HSET', task, 'state', 'pending', 'pending_since', string.format('%.0f000000', present))
    if string.sub(kinds, i, i) == 'b' then
      redis.call('HSET', task, 'msg', ARGV[details_before[i] + 1])
    end
  else
    answers[#answers + 1] = i
    answers[#answers + 1] = GONE
  end
end

return { status, time_ms, answers, more, grants, dropped }
