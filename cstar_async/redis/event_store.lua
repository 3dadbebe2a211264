-- Shares webhook events between receivers. Redis runs the script atomically and by its own clock.
--
-- KEYS[1]  sorted set of receivers: until when each holds its lease
-- KEYS[2]  sorted set of pending events by their time of arrival
-- KEYS[3]  hash of pending events: the receiver that handles each
-- KEYS[4]  hash of pending events: their bodies
-- KEYS[5]  the id of the event that was accepted last, unless an inbox made it
-- KEYS[6]  marks one event id as accepted as long as cStar may deliver it again
-- ARGV     the command, the receiver, its lease in milliseconds, and the arguments of the command

local RETRY_HORIZON = 112350000 -- milliseconds: 31 h 12 min 30 s
local RETENTION = 2592000000    -- milliseconds: an event that no receiver handled for 30 days is dropped
local BODY_HASH_PREFIX = 'sha256:' -- begins the id that an inbox gives to an event without one

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local command, receiver, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function has_lease(name)
  local ends = redis.call('ZSCORE', KEYS[1], name)
  return ends and tonumber(ends) >= now
end

local function accept(id, body)
  if redis.call('HEXISTS', KEYS[4], id) == 1 then
    return redis.call('HGET', KEYS[3], id) == receiver and 'own' or 'other'
  end
  if not redis.call('SET', KEYS[6], '', 'PX', RETRY_HORIZON, 'NX') then
    return 'other'
  end
  redis.call('ZADD', KEYS[2], string.format('%d', time[1] * 1000000 + time[2]), id)
  redis.call('HSET', KEYS[3], id, receiver)
  redis.call('HSET', KEYS[4], id, body)
  if string.sub(id, 1, #BODY_HASH_PREFIX) ~= BODY_HASH_PREFIX then
    redis.call('SET', KEYS[5], id, 'PX', RETRY_HORIZON)
  end
  for key = 2, 4 do redis.call('PEXPIRE', KEYS[key], RETENTION) end
  return 'own'
end

local function mark_done(id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
  redis.call('HDEL', KEYS[4], id)
  redis.call('SET', KEYS[6], '', 'PX', RETRY_HORIZON)
end

-- Claims the events of receivers without a lease, in the order of their arrival; with 'own', returns this receiver's events, too.
local function claim_pending(with_own)
  local events = {}
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local owner = redis.call('HGET', KEYS[3], id)
    if owner == receiver and with_own == 'own' or owner ~= receiver and not (owner and has_lease(owner)) then
      redis.call('HSET', KEYS[3], id, receiver)
      table.insert(events, id)
      table.insert(events, redis.call('HGET', KEYS[4], id))
    end
  end
  return events
end

if command == 'leave' then
  return redis.call('ZREM', KEYS[1], receiver)
end
if command ~= 'accept' then
  -- If its memory is full, Redis refuses the first write that needs memory, unless the script has deleted something before.
  -- So done events are deleted and leases renewed, while new events are refused.
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
end
redis.call('ZADD', KEYS[1], now + lease, receiver)
redis.call('PEXPIRE', KEYS[1], RETENTION)
if command == 'accept' then return accept(ARGV[4], ARGV[5]) end
if command == 'done' then return mark_done(ARGV[4]) end
if command == 'last' then return redis.call('GET', KEYS[5]) end
return claim_pending(ARGV[4])
