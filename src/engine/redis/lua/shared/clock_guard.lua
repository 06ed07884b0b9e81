-- A script that was held up (a frozen server, a full buffer) must not act for a caller that has given up, nor one
-- with a wrong clock write its times: between `now` - 2 s and `deadline`, by the store's own clock, or not at all.
local time = redis.call('TIME')
local function clock_differs(now, deadline)
  local at = time[1] * 1000 + time[2] / 1000
  return at < now - 2000 or at > tonumber(deadline)
end
