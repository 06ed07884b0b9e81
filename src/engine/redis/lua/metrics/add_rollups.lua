-- add_rollups: add what a server has measured to what others have, docs/protocol.md 18.13.
--
-- KEYS    rollup       hash    tq:{<queue>}:rollup:<hour>
-- ARGV    minute       int     of the hour, at which the five minutes begin
--         most_types   int     kept apart; others count under the empty name
--         ttl          int     milliseconds
--         measured...  string  type and JSON of each
-- RETURNS int          1
local rollup = KEYS[1]
local minute, most_types, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local args_before = 3

-- Numbers by name, and tables of such.
local function add(to, more)
  for name, value in pairs(more) do
    if type(value) == 'table' then
      to[name] = add(type(to[name]) == 'table' and to[name] or {}, value)
    else
      to[name] = (tonumber(to[name]) or 0) + value
    end
  end
  return to
end

for i = args_before + 1, #ARGV, 2 do
  local field = minute .. ':' .. ARGV[i]
  local known = redis.call('HGET', rollup, field)
  if not known and ARGV[i] ~= '' then
    -- The field without a type counts the types.
    local types = tonumber(redis.call('HGET', rollup, minute)) or 0
    if types < most_types then
      redis.call('HSET', rollup, minute, types + 1)
    else
      field = minute .. ':'
      known = redis.call('HGET', rollup, field)
    end
  end
  local readable, sum = pcall(cjson.decode, known or '{}')
  sum = add(readable and type(sum) == 'table' and sum or {}, cjson.decode(ARGV[i + 1]))
  redis.call('HSET', rollup, field, cjson.encode(sum))
end
redis.call('PEXPIRE', rollup, ttl)
return 1
