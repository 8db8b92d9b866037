-- Replace the reservation of a call by its usage. A counter without a field of the call stays as it is: it was settled
-- before, or it was rebuilt from the final row. So a call that is settled twice counts once.
-- KEYS: counters. ARGV: the call's id, its tokens, its cost, 1 to give its request back to buckets. The last argument is
-- 1 to keep the field of windows, because the call may end later with other figures.
local id, tokens, cost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for _, key in ipairs(KEYS) do
    local reserved = redis.call('HGET', key, id)
    if reserved and key:sub(1, 10) == 'ratelimit:' then
        if redis.call('HEXISTS', key, 'tokens') == 1 then
            redis.call('HINCRBY', key, 'tokens', (reserved - tokens) * 60000)
        end
        if ARGV[4] == '1' and redis.call('HEXISTS', key, 'requests') == 1 then
            redis.call('HINCRBY', key, 'requests', 60000)
        end
        redis.call('HDEL', key, id)
    elseif reserved then
        local reserved_tokens, reserved_cost = reserved:match('^(%d+):(%d+)$')
        redis.call('HINCRBY', key, 'tokens', tokens - reserved_tokens)
        redis.call('HINCRBY', key, 'cost', cost - reserved_cost)
        if ARGV[5] == '1' then
            redis.call('HSET', key, id, tokens .. ':' .. string.format('%.0f', cost))
        else
            redis.call('HDEL', key, id)
        end
    end
end
