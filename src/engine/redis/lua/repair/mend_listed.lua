-- mend_listed: look whether the groups and aggregation sets that are listed exist, and unlist those that do not.
--
-- KEYS    listing       key     asynq:{<queue>}:groups or asynq:{<queue>}:aggregation_sets
--         any           key     any other key of the queue
-- ARGV    kind          string  groups or sets
--         cursor        string  where the last call ended; 0 to begin
--         count         int     about how many to look at
--         repair        int     1: mend
--         group_prefix  string  asynq:{<queue>}:g:
-- RETURNS array         where to go on, 0 after the last; names of what does not exist
local listing, any = KEYS[1], KEYS[2]
local kind, cursor, count, repair, group_prefix = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

-- include: slot_move

local is_sets = kind == 'sets'
local page = redis.call(is_sets and 'ZSCAN' or 'SSCAN', listing, cursor, 'COUNT', count)
local missing = {}
for i = 1, #page[2], is_sets and 2 or 1 do
  local key = is_sets and page[2][i] or group_prefix .. page[2][i]
  -- The key of another queue must not be asked for: it may be on another node.
  if string.sub(key, 1, #group_prefix) ~= group_prefix then
    missing[#missing + 1] = page[2][i]
  elseif redis.pcall('EXISTS', key) == 0 then
    look_for_move(key, any)
    missing[#missing + 1] = page[2][i]
  end
end
if slot_is_moving then
  return try_again()
end
if repair == 1 and #missing > 0 then
  redis.call(is_sets and 'ZREM' or 'SREM', listing, unpack(missing))
end
return { page[1], missing }
