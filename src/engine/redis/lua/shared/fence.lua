-- The attempt fence, docs/protocol.md 18.1. The fraction of a lease score names the attempt that holds the task. Every
-- lease writes the score, ours and a Go peer's, and every finish removes it, so an attempt that lost its task is seen.
-- The fraction of a lease that the sweep gave to a task without one: nobody's.
local RESERVED = 1048575 / 1048576

-- The state of a task: false without one, nil where a key of another type stands. Such a key counts as missing and is
-- never written: one bad key must not fail its neighbours.
local function state_of(task)
  local state = redis.pcall('HGET', task, 'state')
  if type(state) == 'table' then
    return nil
  end
  return state
end

-- Why the attempt that last wrote the score `wanted` may not touch the task whose lease has the score `held`.
local function refusal(held, wanted, state)
  if held == wanted then
    return nil
  elseif held then
    local fraction = tonumber(held) % 1
    if fraction == tonumber(wanted) % 1 then
      return nil
    elseif fraction ~= RESERVED then
      return FENCED
    end
  elseif state ~= 'active' then
    return GONE
  end
  return UNLEASED
end

-- The same for an attempt whose lease was lost, by the SHA-1 of the message it was given.
local function refusal_of_proof(task, state, proof)
  local message = state == 'active' and redis.pcall('HGET', task, 'msg')
  if type(message) ~= 'string' then
    return GONE
  elseif redis.sha1hex(message) ~= proof then
    return FENCED
  end
  return nil
end
