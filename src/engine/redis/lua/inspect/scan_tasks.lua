-- scan_tasks: a part of the tasks in a container, so that one which stays there is seen at least once.
-- Redis promises that for the members of a zset. The ids of a list move while others come and go: the caller remembers
-- the first ones that it has not seen, and goes on where they are now; if they are gone, from the beginning.
-- What would make the reply too long is only named.
--
-- KEYS    container    key     a list (pending, active) or a zset (all other states) of ids
--         lease        zset    asynq:{<queue>}:lease
-- ARGV    kind         string  pending, active, or zset
--         cursor       string  of a zset, where the last part ended; 0 to begin
--         first        int     of a list, where the next part was to begin, from the left
--         count        int     about how many tasks
--         budget       int     bytes of messages and results
--         task_prefix  string  asynq:{<queue>}:t:
--         unseen...    string  of a list, the ids from `first` on
-- RETURNS array        where to go on, empty after the last part; of a list, where this part began, and the ids that
--                      come after it; ids that are only named; of each other task five, as of list_tasks
local container, lease = KEYS[1], KEYS[2]
local kind, cursor, first, count = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local budget, task_prefix = tonumber(ARGV[5]), ARGV[6]
local args_before = 6
-- How far a part of a list is looked for beside where it was, and then from both ends.
local SLACK, FAR = 2000, 100000
local REMEMBERED = 8

local ids, scores, unseen = {}, {}, {}

local function find_start()
  if #ARGV == args_before or redis.call('LINDEX', container, first) == ARGV[args_before + 1] then
    return first
  end
  local from = math.max(0, first - SLACK)
  local places = {}
  for i, id in ipairs(redis.call('LRANGE', container, from, first + SLACK)) do
    places[id] = from + i - 1
  end
  for i = args_before + 1, #ARGV do
    if places[ARGV[i]] then
      return places[ARGV[i]]
    end
  end
  local last = ARGV[#ARGV]
  return redis.call('LPOS', container, last, 'MAXLEN', FAR)
    or redis.call('LPOS', container, last, 'RANK', -1, 'MAXLEN', FAR)
    or 0
end

if kind == 'zset' then
  local page = redis.call('ZSCAN', container, cursor, 'COUNT', count)
  cursor = page[1] == '0' and '' or page[1]
  for i = 1, #page[2], 2 do
    ids[#ids + 1], scores[#scores + 1] = page[2][i], page[2][i + 1]
  end
else
  first = find_start()
  local slice = redis.call('LRANGE', container, first, first + count + REMEMBERED - 1)
  for i, id in ipairs(slice) do
    if i > count then
      unseen[#unseen + 1] = id
    else
      ids[i] = id
      scores[i] = kind == 'active' and redis.call('ZSCORE', lease, id)
    end
  end
  cursor = #unseen > 0 and tostring(first + count) or ''
end

local named, tasks, at = {}, {}, 0
for i, id in ipairs(ids) do
  local fields = budget > 0 and redis.pcall('HMGET', task_prefix .. id, 'msg', 'result', 'tq:at')
  if fields then
    tasks[at + 1] = id
    tasks[at + 2] = fields[1] or false
    tasks[at + 3] = fields[2] or false
    tasks[at + 4] = fields[3] or false
    tasks[at + 5] = scores[i]
    at = at + 5
    budget = budget - #(fields[1] or '') - #(fields[2] or '')
  else
    named[#named + 1] = id
  end
end
return { cursor, first, unseen, named, tasks }
