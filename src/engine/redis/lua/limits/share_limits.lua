-- share_limits: say which limits a server has, and hear which all live servers have.
--
-- KEYS    limits   hash    tq:{<queue>}:limits, a field for each server
-- ARGV    server   string  its id
--         specs    string  JSON; empty: it has none
--         ttl      int     milliseconds until the server counts as dead
-- RETURNS array    JSON of each live server that has limits
local limits = KEYS[1]
local server, specs, ttl = ARGV[1], ARGV[2], ARGV[3]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- First a removal: then Redis lets the writes after it pass even at `maxmemory`.
redis.call('HDEL', limits, server)
local found = redis.call('HGETALL', limits)
local live = {}
for i = 1, #found, 2 do
  local ends, told = string.match(found[i + 1], '^(%d+) (.*)$')
  if ends and tonumber(ends) > now then
    live[#live + 1] = told
  else
    redis.call('HDEL', limits, found[i])
  end
end
if specs ~= '' then
  live[#live + 1] = specs
  redis.call('HSET', limits, server, string.format('%.0f ', now + ttl) .. specs)
end
return live
