-- Shares the rate limit of one key between processes. Redis runs the script atomically and by its own clock.
--
-- KEYS[1]  the shared state: the present window, and the permits that each process holds and waits for
-- ARGV[1]  a request of one process, as JSON. It reports the process's whole state, never a change, so that a lost or repeated
--          request does no harm: the next one corrects it.
--
-- Times in the shared state are milliseconds of the Redis clock. Requests and replies state them in seconds from now. Pairs such as
-- `held` and `waiting` are counts of interactive and of background requests.
--
-- Slow start: as in memory (`_rate_limit/slow_start.py` has the rules), but over the permits of all processes.
--
-- Resync: a process that used its fallback, or has seen another epoch of the state, shows that the state does not include all
-- permits in use. Then nothing is granted, and each process uses its fallback, until every process has read the resync number and
-- reported its state after that. An earlier report does not count: it may have been delayed while its sender continued.

local RESET_TOLERANCE = 2000   -- resets that differ by less are the same, because servers round
local LEASE = 60000            -- after that time without a request, or a whole window, the permits of a process count as lost
local PROBE_TIMEOUT = 1000     -- after that time without a response in a slow start, more requests are sent
local RESERVATION_GRACE = 1000 -- how much later than asked to a process may collect what is reserved for it

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local request = cjson.decode(ARGV[1])
local text = redis.call('GET', KEYS[1])
local state = text and cjson.decode(text) or {
  limit = request.limit, remaining = request.limit, length = request.length,
  epoch = now,      -- differs from that of any state before
  reset_slack = 0,  -- how much later than stated a window may end, because the server rounds down
  last_number = now, -- of the last permit; it starts with the time, so that no later state repeats a number
  lost = 0,         -- requests without a response; the server may have counted them
  lost_at = 0,      -- last_number when the last of them was lost
  resync = 0,       -- number of the last resync; `resync_until` is set while it runs
  clock_offset = 0, -- added to the Redis clock, which may be set back, so that the times here never decrease
  last_now = now,
  members = {},
}
state.clock_offset = math.max(state.clock_offset, state.last_now - now)
now = now + state.clock_offset
state.last_now = now

local me = state.members[request.member] or { sequence = 0, last_served = 0 }
-- A repeated request was applied before. One that was delayed until its sender stopped waiting has times that are wrong.
if request.sequence <= me.sequence then return cjson.encode({ refused = 'repeated', now = now }) end
if request.valid_until > 0 and request.valid_until < now then return cjson.encode({ refused = 'late', now = now }) end

-- Slow start. Its permits are those with a number above its own.
local slow = state.slow_start
local function begin_slow_start(is_after_refusal)
  local accepted, threshold = slow and slow.accepted or 0, slow and slow.threshold or 0
  slow = {
    number = state.last_number, is_active = true, is_after_refusal = is_after_refusal, portion = 1, sent = 0, accepted = 0,
    threshold = accepted > 0 and accepted or threshold,
  }
  state.slow_start = slow
  for _, member in pairs(state.members) do member.slow_held, member.accepted = nil, nil end
end
local function end_slow_start() slow.is_active, slow.grows_at = false, nil end
local function grow_to(portion)
  slow.portion = portion
  if portion >= state.limit then end_slow_start() end
end
if not slow then begin_slow_start(false) end

-- Start a resync, or note that this process has reported for it.
local has_other_epoch = me.sequence == 0 and request.epoch ~= 0 and request.epoch ~= state.epoch
if has_other_epoch or (request.in_fallback and request.resync ~= state.resync) then
  if not state.resync_until then
    state.resync, state.resync_until = math.max(now, state.resync + 1), now + math.floor(request.resync_timeout * 1000)
    state.expected_members, state.returned_members, state.reported_by_others = 0, 0, 0
    for _, member in pairs(state.members) do member.must_report = true end
  end
  me.must_report = true
  if has_other_epoch then
    state.expected_members = math.max(state.expected_members, request.peer_count + 1)
    state.returned_members = state.returned_members + 1
    state.reported_by_others = math.max(state.reported_by_others, request.held_by_peers)
  end
elseif request.resync == state.resync then
  me.must_report = nil
end

local function lose(count)
  if count > 0 then state.lost, state.lost_at = state.lost + count, state.last_number end
end

-- Close a window that is over. Requests that it lost do not count in the next one.
if state.ends and state.opens <= now then
  begin_slow_start(state.closed ~= nil)
  state.remaining, state.lost, state.ends, state.opens, state.closed = state.limit, 0, nil, nil, nil
end

-- Apply what the process did since its last request.
lose(request.lost)
local report = request.slow_start
if report.number ~= slow.number then report = { held = { 0, 0 }, accepted = 0 } end
local accepted = report.accepted - (me.accepted or 0)
me.accepted, me.slow_held = report.accepted, report.held
if accepted > 0 then
  slow.accepted = slow.accepted + accepted
  if slow.is_active and slow.is_after_refusal then
    slow.grows_at = nil -- until the next permit
    grow_to(slow.portion + accepted)
  else
    end_slow_start()
  end
end
me.sequence, me.waiting, me.lease = request.sequence, request.waiting, now + math.min(LEASE, state.length * 1000)
me.held, me.fallback_left = request.held, request.fallback_left -- the latter may be sent before this reply arrives
state.members[request.member] = me

-- Apply its window. A response since its last request counts in full; otherwise only a lower count does.
local window = request.window
state.reset_slack = math.max(state.reset_slack, request.reset_slack * 1000)
if window then
  local ends = now + math.floor(window.left * 1000)
  if window.refused then
    state.closed = math.max(state.closed or 0, ends)
    state.limit, state.remaining, state.ends, state.opens = window.limit, 0, state.closed, state.closed
    end_slow_start()
  elseif not state.closed then
    local is_stated, is_later = window.is_new, nil
    if state.ends then is_later = ends > state.ends + RESET_TOLERANCE else is_later = window.is_new or state.last_number == state.epoch end
    if is_later then
      state.lost, state.lost_at = 0, state.last_number
      state.limit, state.remaining, state.length, state.reset = window.limit, window.remaining, window.length, window.reset
      state.ends, state.opens, is_stated = ends, ends + (window.is_exact and 0 or state.reset_slack), true
    elseif state.ends and ends >= state.ends - RESET_TOLERANCE and (window.is_new or window.limit == state.limit) then
      state.remaining = window.limit == state.limit and math.min(state.remaining, window.remaining) or window.remaining
      state.limit = window.limit
    end
    if is_stated and not slow.is_after_refusal then end_slow_start() end
  end
end
-- The response to a request that was sent after others were lost includes them in its count.
if request.answered > state.lost_at then state.lost = 0 end

-- Add up what all processes hold and wait for.
local held, slow_held, wanted, competing_members = { 0, 0 }, { 0, 0 }, { 0, 0 }, { {}, {} }
local held_by_peers, peer_count, must_report = 0, 0, false
for name, member in pairs(state.members) do
  local count = member.held[1] + member.held[2] + member.fallback_left
  if member.lease < now then
    lose(count)
    state.members[name] = nil
  else
    must_report = must_report or member.must_report
    held = { held[1] + member.held[1] + member.fallback_left, held[2] + member.held[2] }
    if member.slow_held then
      slow_held = { slow_held[1] + member.slow_held[1], slow_held[2] + member.slow_held[2] }
    end
    if name ~= request.member then
      peer_count, held_by_peers = peer_count + 1, held_by_peers + count
      for priority = 1, 2 do
        if member.reserved_until >= now and member.waiting[priority] > 0 then
          wanted[priority] = wanted[priority] + member.waiting[priority]
          local competitor = { name = name, waiting = member.waiting[priority], last_served = member.last_served }
          table.insert(competing_members[priority], competitor)
        end
      end
    end
  end
end

-- End the resync when every process has reported, or at its timeout. In that case a probe finds out what has been used, and the
-- permits that others reported for the missing processes count as lost.
if state.resync_until then
  local is_missing = state.returned_members < state.expected_members
  if not must_report and not is_missing then
    state.resync_until = nil
  elseif state.resync_until <= now then
    if is_missing then lose(state.reported_by_others) end
    begin_slow_start(slow.is_active and slow.is_after_refusal)
    slow_held, state.resync_until = { 0, 0 }, nil
  else
    peer_count = math.max(peer_count, state.expected_members - 1)
  end
end

-- How many permits of a priority all processes together may get now, after those that are `taken` by a higher one.
local reserve = { 0, request.reserve * state.limit } -- what each priority leaves of the remaining requests
local function available(priority, taken)
  local in_flight = held[1] + (priority == 2 and held[2] or 0) + taken
  local unlost = math.ceil(state.remaining - held[1] - held[2] - taken - reserve[priority])
  local count = unlost - state.lost
  -- Lost requests may have used up the rest. One request finds out.
  if count <= 0 and unlost > 0 and in_flight == 0 then count = 1 end
  if slow.is_active then
    local slow_in_flight = slow_held[1] + (priority == 2 and slow_held[2] or 0) + taken
    -- The first one finds out what the window allows.
    if not state.ends and slow_in_flight == 0 then count = math.max(count, 1) end
    count = math.min(count, math.max(1, slow.portion) - slow_in_flight)
    if slow.sent < slow.threshold then count = math.min(count, slow.threshold - slow.sent) end
  end
  return count
end

-- The part of this process when permits are divided evenly among all that wait, first to the one served the longest ago.
local function part(count, priority)
  local open = { { name = request.member, waiting = me.waiting[priority], last_served = me.last_served } }
  local mine = 0
  for _, competitor in ipairs(competing_members[priority]) do table.insert(open, competitor) end
  table.sort(open, function(one, two)
    if one.last_served ~= two.last_served then return one.last_served < two.last_served end
    return one.name < two.name
  end)
  while count > 0 and #open > 0 do
    local each, still_open = math.max(1, math.floor(count / #open)), {}
    for _, member in ipairs(open) do
      local served = math.min(each, member.waiting, count)
      count, member.waiting = count - served, member.waiting - served
      if member.name == request.member then mine = mine + served end
      if member.waiting > 0 then table.insert(still_open, member) end
    end
    open = still_open
  end
  return mine
end

-- Grant permits. The background gets what is left after all interactive requests.
if slow.grows_at and slow.grows_at <= now then
  slow.grows_at = now + PROBE_TIMEOUT
  if slow.portion > 1 and not slow.is_after_refusal then end_slow_start() else grow_to(2 * math.max(1, slow.portion)) end
end
local granted = { 0, 0 }
if not state.resync_until then
  granted[1] = part(available(1, 0), 1)
  granted[2] = part(available(2, me.waiting[1] + wanted[1]), 2)
end
local count = granted[1] + granted[2]
local is_probe = count > 0 and slow.is_active
if count > 0 then
  me.slow_held = me.slow_held or { 0, 0 }
  for priority = 1, 2 do
    me.held[priority] = me.held[priority] + granted[priority]
    me.slow_held[priority] = me.slow_held[priority] + granted[priority]
  end
  state.last_number = state.last_number + count
  me.last_served, slow.sent = state.last_number, slow.sent + count
  if slow.is_active then
    -- The responses to those in flight raise it to 1.
    if slow.sent == slow.threshold then slow.portion = 1 - slow_held[1] - slow_held[2] - count end
    slow.grows_at = slow.grows_at or now + PROBE_TIMEOUT
  end
end
me.waiting = { me.waiting[1] - granted[1], me.waiting[2] - granted[2] }
if not slow.is_active then me.slow_held = nil end

-- Say when the rest may get a permit: when the window ends, or at any time (0), after a response to any process.
local left = state.ends and (state.ends - now) / 1000
local expected_waits, blocking_losses, poll_after = {}, {}, nil
for priority = 1, 2 do
  local is_soon = not left or state.remaining > reserve[priority]
  expected_waits[priority] = is_soon and 0 or math.max(0, left)
  local unlost = state.remaining - held[1] - held[2] - count - reserve[priority]
  blocking_losses[priority] = unlost > 0 and unlost <= state.lost and state.lost or 0
  if me.waiting[priority] > 0 then
    local wait = is_soon and 0 or (state.opens - now) / 1000
    poll_after = poll_after and math.min(poll_after, wait) or wait
  end
end
me.reserved_until = now + math.ceil((poll_after or 0) * 1000) + RESERVATION_GRACE

local ttl = math.max(state.length * 1000, state.ends and state.ends - now or 0) + LEASE
redis.call('SET', KEYS[1], cjson.encode(state), 'PX', string.format('%d', ttl))
return cjson.encode({
  granted = granted, is_probe = is_probe, is_after_refusal = slow.is_after_refusal, number = state.last_number,
  slow_start = slow.number, is_known = state.ends ~= nil or not slow.is_active,
  limit = state.limit, remaining = state.remaining, length = state.length, left = left, reset = state.reset,
  now = now, reset_slack = state.reset_slack / 1000, epoch = state.epoch, resync = state.resync_until and state.resync or 0,
  peer_count = peer_count, held_by_peers = held_by_peers, wanted_by_peers = wanted, expected_waits = expected_waits,
  blocking_losses = blocking_losses, waiting_peers = { #competing_members[1], #competing_members[2] }, poll_after = poll_after,
})
