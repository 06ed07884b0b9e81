-- extend_leases: renew the leases of attempts that still hold their task.
-- A lease that has run out is renewed too, as long as nobody recovered the task. It never gets shorter, but for one so
-- far ahead that the clock of its writer must have jumped.
--
-- KEYS    active        list    asynq:{<queue>}:active
--         lease         zset    asynq:{<queue>}:lease
--         tasks...      hash    asynq:{<queue>}:t:<id> of each attempt
-- ARGV    now           int     Unix milliseconds
--         deadline      int     Unix milliseconds
--         length        int     of a lease, in seconds
--         prefix_length int     bytes of asynq:{<queue>}:t:
--         attempts...   string  the score last written by each; then, or not at all, the SHA-1 of each one's message
-- RETURNS array         of each attempt its new score, or the number of a refusal
--         array         'clock', seconds, microseconds: nothing was done
local active, lease = KEYS[1], KEYS[2]
local now, deadline, length, prefix_length = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local keys_before, args_before = 2, 4

-- include: clock_guard
-- include: refusals
-- include: fence
-- include: clean_up

if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end

local count = #KEYS - keys_before
local proven = #ARGV > args_before + count
local ids = {}
for i = 1, count do
  ids[i] = string.sub(KEYS[keys_before + i], prefix_length + 1)
end
local held = redis.call('ZMSCORE', lease, unpack(ids))
local fresh = math.ceil(now / 1000) + length

local answers, extended, leases, stale = {}, {}, {}, {}
for i = 1, count do
  local task, wanted = KEYS[keys_before + i], ARGV[args_before + i]
  local state = state_of(task)
  local why = refusal(held[i], wanted, state)
  if why == UNLEASED and proven then
    why = refusal_of_proof(task, state, ARGV[args_before + count + i])
    if why == GONE then
      stale[#stale + 1] = ids[i]
    end
  end
  if why then
    answers[i] = why
  else
    local ends = held[i] and math.floor(held[i]) or 0
    if ends > now / 1000 + 2 * length then
      ends = 0
    end
    local extension = string.format('%.17g', math.max(ends, fresh) + tonumber(wanted) % 1)
    answers[i] = extension
    extended[#extended + 1] = ids[i]
    leases[#leases + 1] = extension
    leases[#leases + 1] = ids[i]
  end
end

if #extended > 0 then
  -- First a removal: then Redis lets the write after it pass even at `maxmemory`.
  redis.call('ZREM', lease, unpack(extended))
  redis.call('ZADD', lease, unpack(leases))
end
for _, id in ipairs(stale) do
  clean_up(id)
end
return answers
