-- The limits that a call names: from ARGV[4] on, the keys of those with a rate behind KEYS[7]. `arg` is then what follows.
local limits, arg, rate_keys = {}, 4, 7
for i = 1, limit_count do
  limits[i] = limit_at(arg)
  if limits[i].rate > 0 then
    rate_keys = rate_keys + 1
    limits[i].rate_key = KEYS[rate_keys]
  end
  arg = arg + 4
end
