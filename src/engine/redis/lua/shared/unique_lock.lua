local function varint(bytes, at)
  local value, scale = 0, 1
  repeat
    local byte = string.byte(bytes, at)
    if byte == nil then
      return nil, at
    end
    value = value + (byte % 128) * scale
    scale = scale * 128
    at = at + 1
  until byte < 128
  return value, at
end

-- Field 10 of a task message; nil when it has none, or cannot be read.
local function unique_key_in(message)
  local at = 1
  while at <= #message do
    local tag, length
    tag, at = varint(message, at)
    if tag == nil then
      return nil
    end
    local wire_type = tag % 8
    if wire_type == 0 then
      length, at = varint(message, at)
      length = 0
    elseif wire_type == 1 then
      length = 8
    elseif wire_type == 2 then
      length, at = varint(message, at)
    elseif wire_type == 5 then
      length = 4
    end
    if length == nil then
      return nil
    end
    if tag == 82 then
      return string.sub(message, at, at + length - 1)
    end
    at = at + length
  end
  return nil
end

-- Frees the unique lock of a task that goes away, if the task still holds it. The hash names the lock, except for a
-- task that joined a group: then only the message does.
local function release_lock(task, id, unique_prefix)
  local fields = redis.call('HMGET', task, 'unique_key', 'group')
  local lock = fields[1]
  if not lock and fields[2] then
    lock = unique_key_in(redis.call('HGET', task, 'msg') or '')
  end
  -- The prefix: a foreign name must not lead the script to a key of another queue.
  if lock and string.sub(lock, 1, #unique_prefix) == unique_prefix and redis.pcall('GET', lock) == id then
    redis.call('DEL', lock)
  end
end
