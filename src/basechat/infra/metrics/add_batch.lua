-- Add sums to the hash of a minute, unless this batch was added before; returns 1 if they were added.
-- KEYS: the hash. ARGV: the mark of the process, the number of the batch, seconds to keep; then names and values.
--
-- When a reply is lost, the process does not know whether the batch was added, and sends it again. The hash also holds
-- the number of the last batch of each process, so a repetition does nothing, even when it overtakes the first command.
-- When Redis is emptied, marks and sums are lost together.
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
for i = 4, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
