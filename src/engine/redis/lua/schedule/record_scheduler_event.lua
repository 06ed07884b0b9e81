-- record_scheduler_event: add to the history of a periodic entry, and keep the last 1,000.
--
-- KEYS    history     zset    asynq:scheduler_history:<entry>, score = when it was enqueued
-- ARGV    at          int     Unix seconds
--         event       bytes   the event
--         most        int     how many are kept
--         ttl         int     seconds after which an entry that nobody enqueues any more is forgotten
-- RETURNS int         1
local history = KEYS[1]
local at, event, most, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

redis.call('ZADD', history, at, event)
redis.call('ZREMRANGEBYRANK', history, 0, -most - 1)
redis.call('EXPIRE', history, ttl)
return 1
