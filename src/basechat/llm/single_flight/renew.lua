-- Renew a leader's claim, or take it again if it has expired. ARGV: the leader, the lease in ms.
local leader = redis.call('GET', KEYS[1])
if not leader or leader == ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
