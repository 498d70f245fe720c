/** KEYS: last, log. ARGV: the sequence before, the sequence, its bytes. Answers 0 for a conflict. */
export const APPEND = `
  if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
  redis.call('XADD', KEYS[2], ARGV[2] .. '-0', 'bytes', ARGV[3])
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('PUBLISH', KEYS[1], ARGV[2])
  return 1`;

/** KEYS: last, log. ARGV: the first sequence wanted, how many bytes. Answers the bytes of each segment. */
export const READ = `
  local first = ARGV[1] .. '-0'
  local entry = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', 1)[1]
  local wasWritten = tonumber(ARGV[1]) <= tonumber(redis.call('GET', KEYS[1]) or '0')
  if wasWritten and (not entry or entry[1] ~= first) then
    return redis.error_reply('COMPACTED segment ' .. ARGV[1] .. ' was trimmed')
  end
  local found, bytes = {}, 0
  while entry do
    found[#found + 1] = entry[2][2]
    bytes = bytes + #entry[2][2]
    if bytes >= tonumber(ARGV[2]) then break end
    entry = redis.call('XRANGE', KEYS[2], '(' .. entry[1], '+', 'COUNT', 1)[1]
  end
  return found`;

/** KEYS: snapshot, list. ARGV: sequence, length of the list, seconds that readers of the old one have. */
export const REPLACE_SNAPSHOT = `
  local old = redis.call('HMGET', KEYS[1], 'sequence', 'list')
  if tonumber(old[1] or '-1') >= tonumber(ARGV[1]) then return redis.call('UNLINK', KEYS[2]) end
  if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then
    return redis.error_reply('ERR the snapshot took so long that its first chunks are gone')
  end
  redis.call('HSET', KEYS[1], 'sequence', ARGV[1], 'list', KEYS[2], 'length', ARGV[2])
  redis.call('PERSIST', KEYS[2])
  if old[2] then redis.call('EXPIRE', old[2], ARGV[3]) end
  return 1`;
