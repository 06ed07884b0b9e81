-- list_tasks: one page of the tasks in a container, the next to run first.
-- A hash that is missing or of another type must not fail the page: that task comes without fields.
--
-- KEYS    container    key     a list (pending, active) or a zset (all other states) of ids
--         lease        zset    asynq:{<queue>}:lease
-- ARGV    kind         string  pending, active, or zset
--         first        int     position of the page's first task, from 0
--         last         int     and of its last
--         task_prefix  string  asynq:{<queue>}:t:
-- RETURNS array        of each task five: id, msg, result, tq:at, and the score in a zset or of its lease
local container, lease = KEYS[1], KEYS[2]
local kind, first, last, task_prefix = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local ids, scores = {}, {}
if kind == 'zset' then
  local members = redis.call('ZRANGE', container, first, last, 'WITHSCORES')
  for i = 1, #members, 2 do
    ids[#ids + 1], scores[#scores + 1] = members[i], members[i + 1]
  end
else
  -- Ids are taken from the right: there is the first page.
  local slice = redis.call('LRANGE', container, -last - 1, -first - 1)
  for i = #slice, 1, -1 do
    ids[#ids + 1] = slice[i]
    scores[#scores + 1] = kind == 'active' and redis.call('ZSCORE', lease, slice[i])
  end
end

local reply = {}
for i, id in ipairs(ids) do
  local fields = redis.pcall('HMGET', task_prefix .. id, 'msg', 'result', 'tq:at')
  local at = (i - 1) * 5
  reply[at + 1] = id
  reply[at + 2] = fields[1] or false
  reply[at + 3] = fields[2] or false
  reply[at + 4] = fields[3] or false
  reply[at + 5] = scores[i]
end
return reply
