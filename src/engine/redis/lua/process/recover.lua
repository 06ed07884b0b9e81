-- recover: end expired attempts, each only if its lease is still exactly the one that was listed.
-- That score is the fence: whoever renewed the lease, or leased the task since, changed it. A missing entry in `active`
-- does not stop a recovery, or the task would stay for ever.
--
-- KEYS    active         list    asynq:{<queue>}:active
--         lease          zset    asynq:{<queue>}:lease
--         retry          zset    asynq:{<queue>}:retry
--         archived       zset    asynq:{<queue>}:archived
--         due            zset    tq:{<queue>}:due
--         processed_day  string  asynq:{<queue>}:processed:<day>
--         failed_day     string  asynq:{<queue>}:failed:<day>
--         processed      string  asynq:{<queue>}:processed
--         failed         string  asynq:{<queue>}:failed
--         tasks...       hash    asynq:{<queue>}:t:<id> of each attempt
-- ARGV    now            int     Unix milliseconds
--         deadline       int     Unix milliseconds
--         prefix_length  int     bytes of asynq:{<queue>}:t:
--         kinds          string  a letter for each attempt: r s a x, as for exchange
--         attempts...    any     the score of each; then of each, as for exchange: s instant, message; r the same, entry;
--                                a message, entry
-- RETURNS array          position and refusal of each attempt that was not ended
--         array          'clock', seconds, microseconds: nothing was done
local active, lease, retry, archived, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local processed_day, failed_day, processed, failed = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local now, deadline, prefix_length, kinds = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local keys_before, args_before = 9, 4

-- include: clock_guard
if clock_differs(now, deadline) then
  return { 'clock', time[1], time[2] }
end
local present, shift = tonumber(now), 0

-- include: refusals
-- include: fence
-- include: clean_up
-- include: settle

-- Fails here, before the first write, if one of them is of another type.
redis.call('ZCARD', retry)
redis.call('ZCARD', due)
redis.call('ZCARD', archived)
redis.call('LLEN', active)

local answers, ended = {}, 0
local arg = args_before + #kinds
for i = 1, #kinds do
  local kind = string.sub(kinds, i, i)
  local task = KEYS[keys_before + i]
  local id = string.sub(task, prefix_length + 1)
  local held = redis.call('ZSCORE', lease, id)
  local why
  if not held then
    why = GONE
  elseif tonumber(held) ~= tonumber(ARGV[args_before + i]) then
    why = FENCED
  elseif state_of(task) ~= 'active' then
    clean_up(id)
    why = GONE
  end
  if why then
    answers[#answers + 1] = i
    answers[#answers + 1] = why
  else
    redis.call('ZREM', lease, id)
    redis.call('LREM', active, -1, id)
    if kind == 'r' or kind == 's' then
      write_retry(id, task, ARGV[arg + 1], ARGV[arg + 2], kind == 'r' and ARGV[arg + 3])
    else
      write_archive(id, task, kind == 'a' and ARGV[arg + 1], kind == 'a' and ARGV[arg + 2])
    end
    if kind ~= 's' then
      ended = ended + 1
    end
  end
  arg = arg + (kind == 'r' and 3 or kind == 'x' and 0 or 2)
end
local processed_count, failed_count = ended, ended
-- include: count_processed
return answers
