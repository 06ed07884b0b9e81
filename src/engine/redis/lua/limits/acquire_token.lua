-- acquire_token: take a token of a semaphore, as asynq's x/rate.
-- Tokens whose time is over are free. A task that holds one keeps it, so that a call whose answer was lost can be repeated.
--
-- KEYS    tokens    zset    asynq:sema:<scope>, score = deadline of the holder
-- ARGV    most      int     how many tokens there are
--         deadline  int     Unix seconds
--         id        string  of the task
-- RETURNS int       1, or 0 when all are taken
local tokens = KEYS[1]
local most, deadline, id = tonumber(ARGV[1]), ARGV[2], ARGV[3]

-- First a removal: then Redis lets the write after it pass even at `maxmemory`.
redis.call('ZREMRANGEBYSCORE', tokens, '-inf', redis.call('TIME')[1] - 1)
if redis.call('ZCARD', tokens) >= most and not redis.call('ZSCORE', tokens, id) then
  return 0
end
redis.call('ZADD', tokens, deadline, id)
return 1
