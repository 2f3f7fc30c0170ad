/** A redis-server process of our own, run with the repository's redis.conf. For the quick start and the tests. */

export { lastAofFile } from './aof-file.ts'
export { endWithThisProcess } from './child-lifetime.ts'
export { freePort } from './free-port.ts'
export { ensureRedisServer, findRedisServer } from './redis-binary.ts'
export { type RedisReply, redisCommand } from './redis-command.ts'
export {
  type RedisExit,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from './redis-server.ts'
