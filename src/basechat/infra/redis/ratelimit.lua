-- Count an attempt, and return 0; or return the seconds until an attempt is allowed again.
-- The list holds the times of the latest attempts, newest first. An attempt is allowed if the oldest of them is old enough.
-- KEYS: the list. ARGV: attempts, seconds.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local first = redis.call('LINDEX', KEYS[1], ARGV[1] - 1)
if first and now - first < tonumber(ARGV[2]) then
    return math.ceil(first + ARGV[2] - now)
end
redis.call('LPUSH', KEYS[1], string.format('%.6f', now))
redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 0
