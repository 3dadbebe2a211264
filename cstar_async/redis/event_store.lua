-- Shares webhook events between receivers. Redis runs the script atomically and by its own clock.
--
-- ARGV     the command, the receiver, its lease in milliseconds, and the arguments of the command

local RECEIVERS = KEYS[1] -- sorted set of receivers: until when each holds its lease
local ARRIVALS = KEYS[2]  -- sorted set of pending events by their time of arrival, in microseconds
local OWNERS = KEYS[3]    -- hash of pending events: the receiver that handles each
local BODIES = KEYS[4]    -- hash of pending and dead events: their bodies
local ATTEMPTS = KEYS[5]  -- hash of pending and dead events: their attempts, unless there were none
local DEAD = KEYS[6]      -- sorted set of dead events by the time of their failure, in milliseconds
local ERRORS = KEYS[7]    -- hash of dead events: the description of the exception
local LAST = KEYS[8]      -- the id of the event that was accepted last, unless an inbox made it
local ID = KEYS[9]        -- marks one event id as accepted as long as cStar may deliver it again

local RETRY_HORIZON = 112350000 -- milliseconds: 31 h 12 min 30 s
local RETENTION = 2592000000    -- milliseconds: dead events, and events that no receiver handled, are dropped after 30 days
local BODY_HASH_PREFIX = 'sha256:' -- begins the id that an inbox gives to an event without one

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local command, receiver, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function has_lease(name)
  local ends = redis.call('ZSCORE', RECEIVERS, name)
  return ends and tonumber(ends) >= now
end

local function keep(...)
  for _, key in ipairs({...}) do redis.call('PEXPIRE', key, RETENTION) end
end

local function add_pending(id)
  redis.call('ZADD', ARRIVALS, string.format('%d', time[1] * 1000000 + time[2]), id)
  redis.call('HSET', OWNERS, id, receiver)
  keep(ARRIVALS, OWNERS, BODIES)
end

local function accept(id, body)
  if redis.call('HEXISTS', BODIES, id) == 1 then
    return redis.call('HGET', OWNERS, id) == receiver and 'own' or 'other'
  end
  if not redis.call('SET', ID, '', 'PX', RETRY_HORIZON, 'NX') then
    return 'other'
  end
  redis.call('HSET', BODIES, id, body)
  add_pending(id)
  if string.sub(id, 1, #BODY_HASH_PREFIX) ~= BODY_HASH_PREFIX then
    redis.call('SET', LAST, id, 'PX', RETRY_HORIZON)
  end
  return 'own'
end

local function mark_done(id)
  for _, key in ipairs({ARRIVALS, DEAD}) do redis.call('ZREM', key, id) end
  for _, key in ipairs({OWNERS, BODIES, ATTEMPTS, ERRORS}) do redis.call('HDEL', key, id) end
  redis.call('SET', ID, '', 'PX', RETRY_HORIZON)
end

-- Returns 0 if another receiver has claimed the event, or if it is not pending.
local function record_attempts(id, attempts)
  if redis.call('HGET', OWNERS, id) ~= receiver then return 0 end
  redis.call('HSET', ATTEMPTS, id, attempts)
  keep(ATTEMPTS)
  return 1
end

local function mark_dead(id, error)
  if redis.call('HGET', OWNERS, id) ~= receiver then return end
  redis.call('ZREM', ARRIVALS, id)
  redis.call('HDEL', OWNERS, id)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', DEAD, '-inf', now - RETENTION)) do
    redis.call('ZREM', DEAD, old)
    for _, key in ipairs({BODIES, ATTEMPTS, ERRORS}) do redis.call('HDEL', key, old) end
  end
  redis.call('ZADD', DEAD, now, id)
  redis.call('HSET', ERRORS, id, error)
  keep(BODIES, ATTEMPTS, DEAD, ERRORS)
end

local function dead_letters()
  local letters = {}
  local dead = redis.call('ZRANGE', DEAD, 0, -1, 'WITHSCORES')
  for i = 1, #dead, 2 do
    local id = dead[i]
    local attempts = redis.call('HGET', ATTEMPTS, id) or '0'
    table.insert(letters, {id, redis.call('HGET', BODIES, id), attempts, dead[i + 1], redis.call('HGET', ERRORS, id)})
  end
  return letters
end

-- Returns the event as `claim_pending` does.
local function requeue(id)
  if redis.call('ZREM', DEAD, id) == 0 then return {} end
  redis.call('HDEL', ERRORS, id)
  redis.call('HDEL', ATTEMPTS, id)
  add_pending(id)
  return {{id, redis.call('HGET', BODIES, id), '0', redis.call('ZSCORE', ARRIVALS, id)}}
end

-- Claims the events of receivers without a lease, in the order of their arrival; with 'own', returns this receiver's events, too.
local function claim_pending(with_own)
  local events = {}
  local arrivals = redis.call('ZRANGE', ARRIVALS, 0, -1, 'WITHSCORES')
  for i = 1, #arrivals, 2 do
    local id = arrivals[i]
    local owner = redis.call('HGET', OWNERS, id)
    if owner == receiver and with_own == 'own' or owner ~= receiver and not (owner and has_lease(owner)) then
      redis.call('HSET', OWNERS, id, receiver)
      local attempts = redis.call('HGET', ATTEMPTS, id) or '0'
      table.insert(events, {id, redis.call('HGET', BODIES, id), attempts, arrivals[i + 1]})
    end
  end
  return events
end

if command == 'leave' then
  return redis.call('ZREM', RECEIVERS, receiver)
end
if command ~= 'accept' then
  -- If its memory is full, Redis refuses the first write that needs memory, unless the script has deleted something before.
  -- So done events are deleted and leases renewed, while new events are refused.
  redis.call('ZREMRANGEBYSCORE', RECEIVERS, '-inf', '(' .. now)
end
redis.call('ZADD', RECEIVERS, now + lease, receiver)
redis.call('PEXPIRE', RECEIVERS, RETENTION)
if command == 'accept' then return accept(ARGV[4], ARGV[5]) end
if command == 'done' then return mark_done(ARGV[4]) end
if command == 'attempts' then return record_attempts(ARGV[4], ARGV[5]) end
if command == 'dead' then return mark_dead(ARGV[4], ARGV[5]) end
if command == 'letters' then return dead_letters() end
if command == 'requeue' then return requeue(ARGV[4]) end
if command == 'last' then return redis.call('GET', LAST) end
return claim_pending(ARGV[4])
