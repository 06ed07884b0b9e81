-- write_scheduler_entries: show what a scheduler has to do, until the record expires.
--
-- KEYS    record      list    asynq:schedulers:{<host>:<pid>:<uuid>}
-- ARGV    ttl         int     seconds
--         entries...  bytes   each of its entries
-- RETURNS int         1
local record = KEYS[1]
local ttl = ARGV[1]

-- First a removal: then Redis lets the writes after it pass even at `maxmemory`.
redis.call('DEL', record)
for i = 2, #ARGV do
  redis.call('RPUSH', record, ARGV[i])
end
if #ARGV > 1 then
  redis.call('EXPIRE', record, ttl)
end
return 1
