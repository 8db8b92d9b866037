-- Store a counter that was rebuilt from rows, unless another process was faster.
-- KEYS: the counter. ARGV: the time of its expiry in ms since 1970 ('' for a bucket); then fields and values.
local key = KEYS[1]
if redis.call('EXISTS', key) == 1 then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
if ARGV[1] ~= '' then
    redis.call('PEXPIREAT', key, ARGV[1])
else
    local clock = redis.call('TIME')
    redis.call('HSET', key, 'at', clock[1] * 1000 + math.floor(clock[2] / 1000))
    redis.call('PEXPIRE', key, 3600000)
end
return 1
