-- What scripts share that touch messages. Not a script: it stands in front of them.
--
-- Of a partition: m  what a message is, by id        y  its payload, by id
--                 q: the ids of a lane, as they came w  the kinds (urgency:destination) of lanes that wait
--                 w: the lanes of a kind, by when the first message may be taken
--                 o: the ids of a session            z  ids, by when they are swept
--                 c  how many are dead, by destination

local FORM = '<dddddIBBBIc0Ic0Ic0Ic0'
local WAITING, SENT, DEAD = 0, 1, 2
local FORGOTTEN = 604800 -- seconds after it expired, whatever still waits is swept

local function read(at, id)
  local value = redis.call('HGET', at .. ':m', id)
  if not value then return nil end
  local m = {id = id}
  m.due_at, m.expires_at, m.posted_at, m.lease_until, m.fence, m.tries, m.urgency, m.state, m.status, m.reason, m.to,
    m.reference, m.session = struct.unpack(FORM, value)
  return m
end

local function keep(at, m)
  redis.call('HSET', at .. ':m', m.id, struct.pack(FORM, m.due_at, m.expires_at, m.posted_at, m.lease_until, m.fence,
    m.tries, m.urgency, m.state, m.status, #m.reason, m.reason, #m.to, m.to, #m.reference, m.reference,
    #m.session, m.session))
end

local function score(number)
  return string.format('%.17g', number)
end

local function lane_of(m)
  return struct.pack('<I', #m.session) .. m.session .. m.to
end

-- Has a lane wait until its first message may be taken.
local function file(at, lane, m)
  local kind = m.urgency .. ':' .. m.to
  redis.call('SADD', at .. ':w', kind)
  redis.call('ZADD', at .. ':w:' .. kind, score(math.max(m.due_at, m.lease_until)), lane)
end

local function unfile(at, lane, m)
  local kind = m.urgency .. ':' .. m.to
  redis.call('ZREM', at .. ':w:' .. kind, lane)
  if redis.call('EXISTS', at .. ':w:' .. kind) == 0 then
    redis.call('SREM', at .. ':w', kind)
  end
end

-- Puts a message at the end of its lane.
local function queue(at, m)
  local lane = lane_of(m)
  if redis.call('RPUSH', at .. ':q:' .. lane, m.id) == 1 then
    file(at, lane, m)
  end
  redis.call('ZADD', at .. ':z', score(m.expires_at + FORGOTTEN), m.id)
end

-- Takes a message out of its lane, which goes on with the next.
local function leave(at, m)
  local lane = lane_of(m)
  local first = redis.call('LINDEX', at .. ':q:' .. lane, 0) == m.id
  redis.call('LREM', at .. ':q:' .. lane, 1, m.id)
  if first then
    unfile(at, lane, m)
    local next_ = redis.call('LINDEX', at .. ':q:' .. lane, 0)
    if next_ then
      file(at, lane, read(at, next_))
    end
  end
end

local function count_dead(at, m, by)
  if redis.call('HINCRBY', at .. ':c', m.to, by) <= 0 then
    redis.call('HDEL', at .. ':c', m.to)
  end
end

-- Stores a message, unless one of this id is there. 1 where it was new.
local function post(at, id, value, payload)
  if redis.call('HSETNX', at .. ':m', id, value) == 0 then
    return 0
  end
  local m = read(at, id)
  redis.call('HSET', at .. ':y', id, payload)
  redis.call('SADD', at .. ':o:' .. m.session, id)
  queue(at, m)
  return 1
end

local function remove(at, m)
  if m.state == WAITING then
    leave(at, m)
  elseif m.state == DEAD then
    count_dead(at, m, -1)
  end
  redis.call('HDEL', at .. ':m', m.id)
  redis.call('HDEL', at .. ':y', m.id)
  redis.call('SREM', at .. ':o:' .. m.session, m.id)
  redis.call('ZREM', at .. ':z', m.id)
end

