-- write_result: store the result of a running attempt.
--
-- KEYS    lease   zset    asynq:{<queue>}:lease
--         task    hash    asynq:{<queue>}:t:<id>
-- ARGV    id      string  of the task
--         wanted  string  the score that the attempt last wrote
--         proof   string  SHA-1 of the message that was leased; empty: none
--         result  bytes   the result
-- RETURNS int     0, or the number of a refusal
local lease, task = KEYS[1], KEYS[2]
local id, wanted, proof, result = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- include: refusals
-- include: fence

local state = state_of(task)
local why = refusal(redis.call('ZSCORE', lease, id), wanted, state)
if why == UNLEASED and proof ~= '' then
  why = refusal_of_proof(task, state, proof)
end
if why == nil and state ~= 'active' then
  -- The task is gone or runs no more: a result would revive it as a hash that nothing refers to.
  why = GONE
end
if why then
  return why
end
-- First a removal: then Redis lets the write after it pass even at `maxmemory`.
redis.call('HDEL', task, 'result')
redis.call('HSET', task, 'result', result)
return 0
