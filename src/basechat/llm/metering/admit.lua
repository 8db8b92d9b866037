-- Admit a call: claim its shared completion, check all limits, and reserve in all counters. A refusal reserves nothing.
--
-- A window counts a day or a month: `tokens` and `cost` hold settled and reserved amounts together. One field per call
-- in flight, named by its id, holds the reservation of that call as `tokens:cost`.
-- A bucket counts a minute: `requests` and `tokens` hold the rest at the time `at`, in sixty-thousandths. A limit of n
-- per minute thus refills by n of these units per millisecond. One field per call in flight holds its tokens.
--
-- KEYS: the leader of the shared completion, the counters, the cached owner of the caller's token ('' without one).
-- ARGV: the leader to set ('' for no claim), its lease in ms, the call's id, its tokens, its cost. Then the bounds of
-- each counter ('' for unlimited): tokens and cost of a window, requests and tokens of a bucket.
-- Returns the cached owner, and one of: {'led', leader}, {'missing', counters},
-- {'refused', counter, unit, level, ms to wait, levels}, {'admitted', levels}.
-- Levels are pairs of requests and tokens, one for each bucket.
local function time()
    local clock = redis.call('TIME')
    return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

local function is_bucket(key)
    return key:sub(1, 10) == 'ratelimit:'
end

local function admit()
    local id, tokens, cost = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
    if ARGV[1] ~= '' then
        local leader = redis.call('GET', KEYS[1])
        if leader then return {'led', leader} end
    end
    local last = #KEYS - 1
    local levels, refused, missing, buckets = {}, nil, {}, {}
    local now = last > 1 and time()
    for i = 2, last do
        local key, a, b = KEYS[i], tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
        local number = i - 1
        if is_bucket(key) then
            local has = redis.call('HMGET', key, 'at', 'requests', 'tokens')
            if not has[1] then missing[#missing + 1] = number end
            local elapsed = has[1] and math.max(now - has[1], 0) or 0
            local requests = a and math.min(a * 60000, (has[2] or a * 60000) + elapsed * a)
            local rest = b and math.min(b * 60000, (has[3] or b * 60000) + elapsed * b)
            if not refused and a and requests < 60000 then
                refused = {'refused', number, 'requests', requests, math.ceil((60000 - requests) / a), levels}
            elseif not refused and b and rest < tokens * 60000 then
                local wait = math.ceil((math.min(tokens, b) * 60000 - rest) / b)
                refused = {'refused', number, 'tokens', rest, wait, levels}
            end
            buckets[#buckets + 1] = {key, requests, rest}
            levels[#levels + 1] = requests or false
            levels[#levels + 1] = rest or false
        else
            local has = redis.call('HMGET', key, 'tokens', 'cost')
            if not has[1] then
                missing[#missing + 1] = number
            elseif not refused and a and has[1] + tokens > a then
                refused = {'refused', number, 'tokens', tonumber(has[1]), 0, levels}
            elseif not refused and b and has[2] + cost > b then
                refused = {'refused', number, 'cost', tonumber(has[2]), 0, levels}
            end
        end
    end
    if refused then return refused end
    if #missing > 0 then return {'missing', unpack(missing)} end
    levels = {}
    for _, bucket in ipairs(buckets) do
        local key, requests, rest = unpack(bucket, 1, 3)
        redis.call('HSET', key, 'at', now, id, tokens)
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
    for i = 2, last do
        if not is_bucket(KEYS[i]) then
            redis.call('HINCRBY', KEYS[i], 'tokens', tokens)
            redis.call('HINCRBY', KEYS[i], 'cost', cost)
            redis.call('HSET', KEYS[i], id, tokens .. ':' .. string.format('%.0f', cost))
        end
    end
    if ARGV[1] ~= '' then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
    return {'admitted', levels}
end

local owner = KEYS[#KEYS]
return {owner ~= '' and redis.call('GET', owner), admit()}
