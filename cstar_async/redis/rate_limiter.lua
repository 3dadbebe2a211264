-- What a process says to the book of a key, and what the book answers. Redis runs it alone, and by its own clock.
--
-- KEYS[1]  the book: what the fleet knows of the key's window, and what each process holds and wants
-- ARGV[1]  the word, as JSON. It says how things are, never what changed, so that a word which is lost, or comes twice, does no
--          harm: the next one puts it right.
--
-- Times in the book are milliseconds by the clock of Redis. A process says its times in seconds from now, and hears them so.
--
-- Gathering: whoever went by its share while Redis was away, or knows another book than this, shows that the book does not know
-- what processes hold and have used. Then nothing is granted, and each goes by its share, until every process has heard so and has
-- said after it how things are. A word from before does not count: it may have lain in a socket while its sender went on.

local RESET_TOLERANCE = 2000 -- two ends that differ by less are one: servers round
local LEASE = 60000      -- after so long without a word, or a whole window, the calls of a process count as lost
local AHEAD = 10000      -- after so long without a word, another process goes ahead
local GRACE = 1000       -- so much later than it was told may a process come for what is kept for it
local SOON = 0.02        -- seconds until a process asks again, where an answer of anybody may leave room

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local word = cjson.decode(ARGV[1])
local text = redis.call('GET', KEYS[1])
local book = text and cjson.decode(text) or {
  state = 'blank', -- or 'open': nobody knows yet what the new window has; 'ahead': somebody goes to learn it; 'known'
  limit = word.limit, remaining = word.limit, length = word.length,
  born = now,      -- by this a process tells a book from the one before it
  lateness = 0,    -- by so much later than stated a window may end: somebody came when it was over, and was too early
  grants = now,    -- the number of the last permit; it begins with the time, so that no later book gives a number again
  lost = 0,        -- calls whose answers nobody saw; the server may have counted them
  lost_at = 0,     -- the number of the last permit before the last of them was lost
  gathered = 0,    -- the number of the last gathering; `until_gathered` says that it is under way, and when to give it up
  members = {},
}

local me = book.members[word.member] or { turn = 0, served = 0 }
-- A word that came twice, or lay in the socket of a Redis that hung until its sender listened no more: its times are wrong by that.
if word.turn <= me.turn or (word.listens_until > 0 and word.listens_until < now) then
  return cjson.encode({ late = true, now = now })
end

-- Whether the book knows what the processes hold.
local is_stranger = me.turn == 0 and word.book ~= 0 and word.book ~= book.born
if is_stranger or (word.is_alone and word.gathering ~= book.gathered) then
  if not book.until_gathered then
    book.gathered, book.until_gathered = math.max(now, book.gathered + 1), now + math.floor(word.patience * 1000)
    book.expected, book.came, book.hearsay = 0, 0, 0
    for _, member in pairs(book.members) do member.is_due = true end
  end
  me.is_due = true
  if is_stranger then
    book.expected, book.came = math.max(book.expected, word.peers + 1), book.came + 1
    book.hearsay = math.max(book.hearsay, word.elsewhere)
  end
elseif word.gathering == book.gathered then
  me.is_due = nil
end

local function lose(calls)
  if calls > 0 and book.state == 'known' then
    book.lost, book.lost_at = book.lost + calls, book.grants
  end
end

-- A window that is over. What it leaves of lost calls is no concern of the next.
if book.ends and book.opens <= now then
  book.state, book.remaining, book.lost, book.ends, book.opens = 'open', book.limit, 0, nil, nil
end

-- What the process did since its last word.
if book.state == 'ahead' then
  if book.ahead == word.member and word.ahead ~= book.ahead_number then
    book.state = word.learned == book.ahead_number and 'known' or 'open'
  elseif book.ahead_until < now then
    book.state = 'open'
  end
end
lose(word.lost)
me.turn, me.wants, me.lease = word.turn, word.wants, now + math.min(LEASE, book.length * 1000)
me.held, me.spare = word.held, word.spare -- the spare is what it may still send by its share, before it hears this answer
book.members[word.member] = me

-- What it knows of the window. What it learned just now is news; the rest only counts where the book knows less.
local known = word.known
book.lateness = math.max(book.lateness, word.lateness * 1000)
if known then
  local ends = now + math.floor(known.left * 1000)
  if known.refused then
    book.closed = math.max(book.closed or 0, ends)
    book.limit, book.remaining, book.ends, book.opens, book.state = known.limit, 0, book.closed, book.closed, 'known'
  elseif not (book.closed and now < book.closed) then
    local is_later
    if book.ends then is_later = ends > book.ends + RESET_TOLERANCE else is_later = known.is_news or book.state == 'blank' end
    if is_later then
      book.lost, book.lost_at = 0, book.grants
      book.limit, book.remaining, book.length, book.reset = known.limit, known.remaining, known.length, known.reset
      book.ends, book.opens, book.state = ends, ends + (known.is_exact and 0 or book.lateness), 'known'
    elseif book.ends and ends >= book.ends - RESET_TOLERANCE and (known.is_news or known.limit == book.limit) then
      book.remaining = known.limit == book.limit and math.min(book.remaining, known.remaining) or known.remaining
      book.limit = known.limit
      -- The answer to a call that was sent after others were lost has them in its count.
      if known.number > book.lost_at then book.lost = 0 end
    end
  end
end

-- What the others hold and want.
local elsewhere, wanted, rivals = 0, { 0, 0 }, { {}, {} }
local peers, is_due = 0, me.is_due
for name, member in pairs(book.members) do
  if name ~= word.member then
    if member.lease < now then
      lose(member.held + member.spare)
      book.members[name] = nil
    else
      peers, is_due = peers + 1, is_due or member.is_due
      elsewhere = elsewhere + member.held + member.spare
      for priority = 1, 2 do
        if member.back >= now and member.wants[priority] > 0 then
          wanted[priority] = wanted[priority] + member.wants[priority]
          table.insert(rivals[priority], { name = name, wants = member.wants[priority], served = member.served })
        end
      end
    end
  end
end

-- The end of a gathering: everybody has spoken, or whoever has not does not come any more. In that case somebody learns what has
-- been used, and what was said of the calls of others holds until an answer to a later call tells.
if book.until_gathered then
  local is_missing = book.came < book.expected
  if not is_due and not is_missing then
    book.until_gathered = nil
  elseif book.until_gathered <= now then
    if is_missing then lose(book.hearsay) end
    if book.state == 'known' then book.state = 'open' end
    book.until_gathered = nil
  else
    peers = math.max(peers, book.expected - 1)
  end
end

-- The part of this process when room is shared out among all that want it: evenly, first to whom was served the longest ago.
local function part(room, wants, others)
  local open, got = { { name = word.member, wants = wants, served = me.served } }, 0
  for _, other in ipairs(others) do table.insert(open, other) end
  table.sort(open, function(one, two)
    if one.served ~= two.served then return one.served < two.served end
    return one.name < two.name
  end)
  while room > 0 and #open > 0 do
    local each, still = math.max(1, math.floor(room / #open)), {}
    for _, one in ipairs(open) do
      local given = math.min(each, one.wants, room)
      room, one.wants = room - given, one.wants - given
      if one.name == word.member then got = got + given end
      if one.wants > 0 then table.insert(still, one) end
    end
    open = still
  end
  return got
end

local granted, is_ahead = { 0, 0 }, false
local room = book.remaining - book.lost - elsewhere - me.held - me.spare
local kept = { 0, word.reserve * book.limit } -- what each priority leaves of the remaining calls
if book.until_gathered then
  granted = { 0, 0 }
elseif book.state == 'known' then
  granted[1] = part(room, me.wants[1], rivals[1])
  -- What is left when everybody who does not wait in the background has had enough.
  room = math.ceil(room - me.wants[1] - wanted[1] - kept[2])
  granted[2] = part(room, me.wants[2], rivals[2])
elseif book.state ~= 'ahead' and (room > 0 or not book.ends) then
  local first = me.wants[1] > 0 and 1 or me.wants[2] > 0 and wanted[1] == 0 and 2
  if first then
    granted[first], is_ahead = 1, true
    book.state, book.ahead, book.ahead_number, book.ahead_until = 'ahead', word.member, book.grants + 1, now + AHEAD
  end
end
if granted[1] + granted[2] > 0 then
  book.grants = book.grants + granted[1] + granted[2]
  me.held, me.served = me.held + granted[1] + granted[2], book.grants
end
me.wants = { me.wants[1] - granted[1], me.wants[2] - granted[2] }

-- When those who still wait have a chance: soon, or when the window ends.
local left = book.ends and (book.ends - now) / 1000
local chances, again = {}, nil
for priority = 1, 2 do
  local is_soon = book.state ~= 'known' or not left or book.remaining - book.lost > kept[priority]
  chances[priority] = is_soon and 0 or math.max(0, left)
  if me.wants[priority] > 0 then
    local wait = is_soon and SOON or (book.opens - now) / 1000
    again = again and math.min(again, wait) or wait
  end
end
me.back = now + math.ceil((again or 0) * 1000) + GRACE

local lasts = math.max(book.length * 1000, book.ends and book.ends - now or 0) + LEASE
redis.call('SET', KEYS[1], cjson.encode(book), 'PX', string.format('%d', lasts))
return cjson.encode({
  granted = granted, is_ahead = is_ahead, number = book.grants,
  state = book.state, limit = book.limit, remaining = book.remaining, length = book.length, left = left, reset = book.reset,
  now = now, lateness = book.lateness / 1000, born = book.born, gathering = book.until_gathered and book.gathered or 0, peers = peers,
  elsewhere = elsewhere, wanted = wanted, chances = chances, again = again,
})
