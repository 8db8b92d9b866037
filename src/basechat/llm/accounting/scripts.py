"""What redis-state decides at once, in scripts: admitting, settling, loading what was forgotten, signs of life.

A *window* counts a day or a month in a hash: `tokens` and `cost` hold what is settled and what is reserved together, a
field by the call's id what is reserved for it (`tokens:cost`) or that it was `settled`, `built` when the hash was made.
The field stays until the call's row is committed, so whoever settles it again changes nothing.

A *bucket* counts minutes: `requests` and `tokens` hold what may still be asked, in sixty-thousandths, so that a limit
of n per minute gives back n of them in each millisecond; `at` says when that was true.
"""

MEMORY = "usage:memory"
"""When this server's memory began, in ms, and its `run_id`; gone or of another run after a loss."""

PROCESSES = "usage:processes"
"""The gateway's processes by their last sign of life, in ms."""

SETTLED = "settled"

_TIME = """
local function time()
    local clock = redis.call('TIME')
    return clock[1] * 1000 + math.floor(clock[2] / 1000)
end
"""

# KEYS: MEMORY, the journal, the flight, counters, and what the caller's token is worth ('' where it has none). ARGV:
# who would lead the flight ('' for no claim), for how many ms, the call's id, its entry, its tokens, its cost; then for
# each counter `window`, tokens, cost or `bucket`, requests, tokens ('' where there is no bound).
# Returns what the token is worth, and {'led', who leads}, {'missing', counters}, {'refused', counter, what, how much
# there is, ms to wait, levels}, or {'admitted', levels}; levels are pairs, of requests and tokens of each bucket.
ADMIT = (
    _TIME
    + """
local function admit()
local id, tokens, cost = ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
if ARGV[1] ~= '' then
    local leader = redis.call('GET', KEYS[3])
    if leader then return {'led', leader} end
end
local levels, refused, missing = {}, nil, {}
local buckets = {}
if #KEYS > 4 then
    local now = time()
    for i = 1, #KEYS - 4 do
        local key, a, b = KEYS[3 + i], tonumber(ARGV[5 + 3 * i]), tonumber(ARGV[6 + 3 * i])
        if ARGV[4 + 3 * i] == 'window' then
            local has = redis.call('HMGET', key, 'tokens', 'cost')
            if not has[1] then
                missing[#missing + 1] = i
            elseif not refused and a and has[1] + tokens > a then
                refused = {'refused', i, 'tokens', tonumber(has[1]), 0, levels}
            elseif not refused and b and has[2] + cost > b then
                refused = {'refused', i, 'cost', tonumber(has[2]), 0, levels}
            end
        else
            local has = redis.call('HMGET', key, 'at', 'requests', 'tokens')
            if not has[1] then
                local began = redis.call('GET', KEYS[1])
                if not began or now - began:match('^%d+') < 60000 then missing[#missing + 1] = i end
            end
            local passed = has[1] and math.max(now - has[1], 0) or 0
            local requests = a and math.min(a * 60000, (has[2] or a * 60000) + passed * a)
            local rest = b and math.min(b * 60000, (has[3] or b * 60000) + passed * b)
            if not refused and a and requests < 60000 then
                refused = {'refused', i, 'requests', requests, math.ceil((60000 - requests) / a), levels}
            elseif not refused and b and rest < tokens * 60000 then
                local wait = math.ceil((math.min(tokens, b) * 60000 - rest) / b)
                refused = {'refused', i, 'tokens', rest, wait, levels}
            end
            buckets[#buckets + 1] = {key, now, requests, rest}
            levels[#levels + 1] = requests or false
            levels[#levels + 1] = rest or false
        end
    end
    if refused then return refused end
    if #missing > 0 then return {'missing', unpack(missing)} end
    levels = {}
    for _, bucket in ipairs(buckets) do
        local key, at, requests, rest = unpack(bucket, 1, 4)
        redis.call('HSET', key, 'at', at, id, tokens)
        if requests then
            requests = requests - 60000
            redis.call('HSET', key, 'requests', requests)
        end
        if rest then
            rest = rest - tokens * 60000
            redis.call('HSET', key, 'tokens', rest)
        end
        redis.call('PEXPIRE', key, 3600000)
        levels[#levels + 1] = requests or false
        levels[#levels + 1] = rest or false
    end
    for i = 1, #KEYS - 4 do
        if ARGV[4 + 3 * i] == 'window' then
            redis.call('HINCRBY', KEYS[3 + i], 'tokens', tokens)
            redis.call('HINCRBY', KEYS[3 + i], 'cost', cost)
            redis.call('HSET', KEYS[3 + i], id, tokens .. ':' .. string.format('%.0f', cost))
        end
    end
end
if ARGV[1] ~= '' then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2]) end
redis.call('HSET', KEYS[2], id, ARGV[4])
return {'admitted', levels}
end
local token = KEYS[#KEYS]
return {token ~= '' and redis.call('GET', token), admit()}
"""
)

# KEYS: counters. ARGV: the call's id, its tokens, its cost, whether its request is given back, how many ms ago its row
# was committed (-1: not yet); then for each counter its kind and whether the call was counted in it before.
#
# A window made after the call was admitted may lack it: it is added, unless the window was made from its final row.
# Such rows of the last minute stand in it as settled; one committed half a minute before the window was made is in it.
# Returns which counters exist.
SETTLE = (
    _TIME
    + """
local now = time()
local id, tokens, cost, age = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local exist = {}
for i, key in ipairs(KEYS) do
    local kind, counted = ARGV[4 + 2 * i], ARGV[5 + 2 * i]
    local was = redis.call('HGET', key, id)
    exist[i] = redis.call('EXISTS', key)
    if kind == 'bucket' then
        if was then
            if redis.call('HEXISTS', key, 'tokens') == 1 then
                redis.call('HINCRBY', key, 'tokens', (was - tokens) * 60000)
            end
            if ARGV[4] == '1' and redis.call('HEXISTS', key, 'requests') == 1 then
                redis.call('HINCRBY', key, 'requests', 60000)
            end
            redis.call('HDEL', key, id)
        end
    elseif was ~= 'settled' then
        local old_tokens, old_cost = 0, 0
        local built = redis.call('HGET', key, 'built')
        if was then
            old_tokens, old_cost = was:match('^(%d+):(%d+)$')
        elseif counted == '1' or not built or (age >= 0 and now - age < built - 30000) then
            built = false
        end
        if built then
            redis.call('HINCRBY', key, 'tokens', tokens - old_tokens)
            redis.call('HINCRBY', key, 'cost', cost - old_cost)
            redis.call('HSET', key, id, 'settled')
        end
    end
end
return exist
"""
)

# KEYS: a window. ARGV: tokens, cost, when it may go (ms since 1970); then pairs of a call's id and its field.
LOAD_WINDOW = (
    _TIME
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local now = time()
redis.call('HSET', KEYS[1], 'tokens', ARGV[1], 'cost', ARGV[2], 'built', now)
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1
"""
)

# KEYS: a bucket. ARGV: requests and tokens that may still be asked, '' where there is no bound.
LOAD_BUCKET = (
    _TIME
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local now = time()
redis.call('HSET', KEYS[1], 'at', now)
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'requests', ARGV[1]) end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'tokens', ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], 3600000)
return 1
"""
)

# KEYS: MEMORY, PROCESSES. ARGV: the server's run_id, the process, after how many ms of silence one is dead.
# Returns when the memory began, the time, how many processes live, and those that are dead.
BEAT = (
    _TIME
    + """
local now = time()
local memory = redis.call('GET', KEYS[1])
if not memory or memory:match(':(.*)$') ~= ARGV[1] then
    memory = string.format('%.0f', now) .. ':' .. ARGV[1]
    redis.call('SET', KEYS[1], memory)
end
redis.call('ZADD', KEYS[2], now, ARGV[2])
local silent = now - ARGV[3]
return {
    tonumber(memory:match('^%d+')), now, redis.call('ZCOUNT', KEYS[2], silent, '+inf'),
    redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. string.format('%.0f', silent)),
}
"""
)
