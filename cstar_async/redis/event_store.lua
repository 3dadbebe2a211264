-- The events of a fleet of receivers. Redis runs it alone, and by its own clock.
--
-- KEYS[1]  receivers: until when each is believed to live
-- KEYS[2]  arrivals: the events that are accepted and not done, by the time of their arrival
-- KEYS[3]  owners: the receiver that handles each of them
-- KEYS[4]  bodies: what each of them says
-- KEYS[5]  the id that was accepted last
-- KEYS[6]  the id of one event, while cStar may repeat it
-- ARGV     what to do; the receiver; its lease, in milliseconds; and what that needs

local RETRY_HORIZON = 112350000 -- milliseconds: 31 h 12 min 30 s
local KEPT = 2592000000           -- milliseconds: an event that no receiver handled for 30 days is given up

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deed, receiver, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function lives(one)
  local ends = redis.call('ZSCORE', KEYS[1], one)
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
  redis.call('SET', KEYS[5], id, 'PX', RETRY_HORIZON)
  for key = 2, 4 do redis.call('PEXPIRE', KEYS[key], KEPT) end
  return 'own'
end

local function done(id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
  redis.call('HDEL', KEYS[4], id)
  redis.call('SET', KEYS[6], '', 'PX', RETRY_HORIZON)
end

-- The events of receivers that are gone, in the order of their arrival; and where asked for, those of this one.
local function pending(wants_own)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local owner = redis.call('HGET', KEYS[3], id)
    if owner == receiver and wants_own == 'own' or owner ~= receiver and not (owner and lives(owner)) then
      redis.call('HSET', KEYS[3], id, receiver)
      table.insert(found, id)
      table.insert(found, redis.call('HGET', KEYS[4], id))
    end
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
  return found
end

if deed == 'leave' then
  return redis.call('ZREM', KEYS[1], receiver)
end
redis.call('ZADD', KEYS[1], now + lease, receiver)
redis.call('PEXPIRE', KEYS[1], KEPT)
if deed == 'accept' then return accept(ARGV[4], ARGV[5]) end
if deed == 'done' then return done(ARGV[4]) end
if deed == 'last' then return redis.call('GET', KEYS[5]) end
return pending(ARGV[4])
