-- lost_grants: what an exchange leased whose reply was lost, in the order of leasing.
-- Reads only: its caller renews these leases before it starts the tasks, or hands them back. Nothing found is final
-- once the time is past the deadline of that exchange, which leases nothing from then on.
--
-- KEYS    active       list    asynq:{<queue>}:active
--         lease        zset    asynq:{<queue>}:lease
-- ARGV    score        string  the score of that exchange's leases
--         nonce        string  its name
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS array        Unix milliseconds; as exchange: id, message and pending_since of each task
local active, lease = KEYS[1], KEYS[2]
local score, nonce, task_prefix = ARGV[1], ARGV[2], ARGV[3]

-- include: slot_move

local held = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', lease, score, score)) do
  held[id] = true
end

-- The oldest lease is at the tail.
local order = next(held) and redis.call('LRANGE', active, 0, -1) or {}
local grants = {}
for j = #order, 1, -1 do
  local id = order[j]
  if held[id] then
    held[id] = nil
    local fields = redis.pcall('HMGET', task_prefix .. id, 'msg', 'state', 'tq:x')
    if is_refused(fields) then
      return try_again()
    elseif not fields.err and not fields[1] then
      look_for_move(task_prefix .. id, lease)
    end
    if fields[1] and fields[2] == 'active' and fields[3] == nonce then
      grants[#grants + 1] = id
      grants[#grants + 1] = fields[1]
      -- Since when it had waited was forgotten when it was leased.
      grants[#grants + 1] = false
    end
  end
end
if slot_is_moving then
  return try_again()
end
local time = redis.call('TIME')
return { time[1] * 1000 + math.floor(time[2] / 1000), grants }
