-- Delete a key if it holds this value; returns the number of keys deleted.
-- KEYS: the key. ARGV: the value.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
