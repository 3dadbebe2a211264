-- Shares the rate limit of one key between processes. Redis runs the script atomically and by its own clock.
--
-- KEYS[1]  the shared state: the present window, and the permits that each process holds and waits for
-- ARGV[1]  a request of one process, as JSON. It reports the process's whole state, never a change, so that a lost or repeated
--          request does no harm: the next one corrects it.
--
-- Times in the shared state are milliseconds of the Redis clock. Requests and replies state them in seconds from now.
--
-- Resync: a process that used its fallback, or has seen another epoch of the state, shows that the state does not include all
-- permits in use. Then nothing is granted, and each process uses its fallback, until every process has read the resync number and
-- reported its state after that. An earlier report does not count: it may have been delayed while its sender continued.

local RESET_TOLERANCE = 2000   -- resets that differ by less are the same, because servers round
local LEASE = 60000            -- after that time without a request, or a whole window, the permits of a process count as lost
local PROBE_TIMEOUT = 10000    -- after that time without a response, another process sends the probe
local RESERVATION_GRACE = 1000 -- how much later than asked to a process may collect what is reserved for it

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local request = cjson.decode(ARGV[1])
local text = redis.call('GET', KEYS[1])
local state = text and cjson.decode(text) or {
  phase = 'new',    -- or 'needs_probe': a new window; 'probing': its probe is in flight; 'known'
  limit = request.limit, remaining = request.limit, length = request.length,
  epoch = now,      -- differs from that of any state before
  reset_slack = 0,  -- how much later than stated a window may end, because the server rounds down
  last_number = now, -- of the last permit; it starts with the time, so that no later state repeats a number
  lost = 0,         -- requests without a response; the server may have counted them
  lost_at = 0,      -- last_number when the last of them was lost
  resync = 0,       -- number of the last resync; `resync_until` is set while it runs
  members = {},
}

local me = state.members[request.member] or { sequence = 0, last_served = 0 }
-- A repeated request, or one that was delayed until its sender stopped waiting: its times are wrong by the delay.
if request.sequence <= me.sequence or (request.valid_until > 0 and request.valid_until < now) then
  return cjson.encode({ stale = true, now = now })
end

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
  if count > 0 and state.phase == 'known' then
    state.lost, state.lost_at = state.lost + count, state.last_number
  end
end

-- Close a window that is over. Requests that it lost do not count in the next one.
if state.ends and state.opens <= now then
  state.phase, state.remaining, state.lost, state.ends, state.opens = 'needs_probe', state.limit, 0, nil, nil
end

-- Apply what the process did since its last request.
if state.phase == 'probing' then
  if state.prober == request.member and request.probe ~= state.probe_number then
    state.phase = request.probe_done == state.probe_number and 'known' or 'needs_probe'
  elseif state.probe_until < now then
    state.phase = 'needs_probe'
  end
end
lose(request.lost)
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
    state.limit, state.remaining, state.ends, state.opens, state.phase = window.limit, 0, state.closed, state.closed, 'known'
  elseif not (state.closed and now < state.closed) then
    local is_later
    if state.ends then is_later = ends > state.ends + RESET_TOLERANCE else is_later = window.is_new or state.phase == 'new' end
    if is_later then
      state.lost, state.lost_at = 0, state.last_number
      state.limit, state.remaining, state.length, state.reset = window.limit, window.remaining, window.length, window.reset
      state.ends, state.opens, state.phase = ends, ends + (window.is_exact and 0 or state.reset_slack), 'known'
    elseif state.ends and ends >= state.ends - RESET_TOLERANCE and (window.is_new or window.limit == state.limit) then
      state.remaining = window.limit == state.limit and math.min(state.remaining, window.remaining) or window.remaining
      state.limit = window.limit
      -- The response to a request that was sent after others were lost includes them in its count.
      if window.number > state.lost_at then state.lost = 0 end
    end
  end
end

-- Add up what the other processes hold and wait for.
local held_by_peers, wanted, competing_members = 0, { 0, 0 }, { {}, {} }
local peer_count, must_report = 0, me.must_report
for name, member in pairs(state.members) do
  if name ~= request.member then
    if member.lease < now then
      lose(member.held + member.fallback_left)
      state.members[name] = nil
    else
      peer_count, must_report = peer_count + 1, must_report or member.must_report
      held_by_peers = held_by_peers + member.held + member.fallback_left
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
    if state.phase == 'known' then state.phase = 'needs_probe' end
    state.resync_until = nil
  else
    peer_count = math.max(peer_count, state.expected_members - 1)
  end
end

-- The part of this process when permits are divided evenly among all that wait, first to the one served the longest ago.
local function part(available, waiting, competitors)
  local open, mine = { { name = request.member, waiting = waiting, last_served = me.last_served } }, 0
  for _, competitor in ipairs(competitors) do table.insert(open, competitor) end
  table.sort(open, function(one, two)
    if one.last_served ~= two.last_served then return one.last_served < two.last_served end
    return one.name < two.name
  end)
  while available > 0 and #open > 0 do
    local each, still_open = math.max(1, math.floor(available / #open)), {}
    for _, member in ipairs(open) do
      local count = math.min(each, member.waiting, available)
      available, member.waiting = available - count, member.waiting - count
      if member.name == request.member then mine = mine + count end
      if member.waiting > 0 then table.insert(still_open, member) end
    end
    open = still_open
  end
  return mine
end

-- Grant permits.
local granted, is_probe = { 0, 0 }, false
local available = state.remaining - state.lost - held_by_peers - me.held - me.fallback_left
local reserve = { 0, request.reserve * state.limit } -- what each priority leaves of the remaining requests
if state.resync_until then
  granted = { 0, 0 }
elseif state.phase == 'known' then
  granted[1] = part(available, me.waiting[1], competing_members[1])
  -- The background gets what is left after all interactive requests.
  available = math.ceil(available - me.waiting[1] - wanted[1] - reserve[2])
  granted[2] = part(available, me.waiting[2], competing_members[2])
elseif state.phase ~= 'probing' and (available > 0 or not state.ends) then
  local first = me.waiting[1] > 0 and 1 or me.waiting[2] > 0 and wanted[1] == 0 and 2
  if first then
    granted[first], is_probe = 1, true
    state.phase, state.prober = 'probing', request.member
    state.probe_number, state.probe_until = state.last_number + 1, now + PROBE_TIMEOUT
  end
end
if granted[1] + granted[2] > 0 then
  state.last_number = state.last_number + granted[1] + granted[2]
  me.held, me.last_served = me.held + granted[1] + granted[2], state.last_number
end
me.waiting = { me.waiting[1] - granted[1], me.waiting[2] - granted[2] }

-- Say when the rest may get a permit: when the window ends, or at any time (0), after a response to any process.
local left = state.ends and (state.ends - now) / 1000
local expected_waits, poll_after = {}, nil
for priority = 1, 2 do
  local is_soon = state.phase ~= 'known' or not left or state.remaining - state.lost > reserve[priority]
  expected_waits[priority] = is_soon and 0 or math.max(0, left)
  if me.waiting[priority] > 0 then
    local wait = is_soon and 0 or (state.opens - now) / 1000
    poll_after = poll_after and math.min(poll_after, wait) or wait
  end
end
me.reserved_until = now + math.ceil((poll_after or 0) * 1000) + RESERVATION_GRACE

local ttl = math.max(state.length * 1000, state.ends and state.ends - now or 0) + LEASE
redis.call('SET', KEYS[1], cjson.encode(state), 'PX', string.format('%d', ttl))
return cjson.encode({
  granted = granted, is_probe = is_probe, number = state.last_number,
  phase = state.phase, limit = state.limit, remaining = state.remaining, length = state.length, left = left, reset = state.reset,
  now = now, reset_slack = state.reset_slack / 1000, epoch = state.epoch, resync = state.resync_until and state.resync or 0,
  peer_count = peer_count, held_by_peers = held_by_peers, wanted_by_peers = wanted, expected_waits = expected_waits,
  waiting_peers = { #competing_members[1], #competing_members[2] }, poll_after = poll_after,
})
