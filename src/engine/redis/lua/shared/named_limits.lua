-- The limits that a call names: from ARGV[4] on, the keys of those with a rate behind KEYS[8]. `arg` is then what follows.
local limits, arg, rate_keys, names = {}, 4, 8, {}
for i = 1, limit_count do
  limits[i] = limit_at(arg)
  if limits[i].rate > 0 then
    rate_keys = rate_keys + 1
    limits[i].rate_key = KEYS[rate_keys]
  end
  names[i] = limits[i].full
  arg = arg + 4
end
if not none_held and limit_count > 0 then
  for i, count in ipairs(redis.call('HMGET', held, unpack(names))) do
    limits[i].held = tonumber(count or 0)
  end
end
