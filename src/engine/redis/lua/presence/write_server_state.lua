-- write_server_state: announce a server and what it runs, until the records expire.
--
-- KEYS    server      string  asynq:servers:{<host>:<pid>:<server id>}
--         workers     hash    asynq:workers:{<host>:<pid>:<server id>}
-- ARGV    ttl         int     seconds
--         info        bytes   the server's record
--         entries...  any     id and record of each task that runs
-- RETURNS int         1
local server, workers = KEYS[1], KEYS[2]
local ttl, info = ARGV[1], ARGV[2]

-- First a removal: then Redis lets the writes after it pass even at `maxmemory`.
redis.call('DEL', workers)
redis.call('SETEX', server, ttl, info)
for i = 3, #ARGV, 2 do
  redis.call('HSET', workers, ARGV[i], ARGV[i + 1])
end
if #ARGV > 2 then
  redis.call('EXPIRE', workers, ttl)
end
return 1
