-- list_record: enter the record of a server among all such records, until it expires.
--
-- KEYS    index       zset    asynq:servers or asynq:workers, score = expiry
-- ARGV    expiry      int     Unix seconds
--         record      string  key of the record
-- RETURNS int         1
local index = KEYS[1]
local expiry, record = ARGV[1], ARGV[2]

-- First a removal: then Redis lets the write after it pass even at `maxmemory`.
redis.call('ZREM', index, record)
return redis.call('ZADD', index, expiry, record)
