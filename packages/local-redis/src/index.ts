/** A redis-server process of our own, run with the repository's redis.conf. For the quick start and the tests. */

export { lastAofFile } from './aof-file.ts'
export { endWithThisProcess } from './child-lifetime.ts'
export type { ClusterNode } from './cluster/cluster-node.ts'
export type { LocalClusterOptions, NodePorts } from './cluster/cluster-options.ts'
export { type LocalCluster, startLocalCluster } from './cluster/local-cluster.ts'
export type { SlotMove } from './cluster/slot-move.ts'
export { freePort } from './free-port.ts'
export { asArguments, type NodeSecurity, type TlsFiles, tlsLines } from './node-security.ts'
export { ensureRedisServer, findRedisServer } from './redis-binary.ts'
export { type RedisReply, redisAnswers, redisCommand, redisCommands } from './redis-command.ts'
export type { NodeRole, RedisNode } from './redis-node.ts'
export {
  type RedisExit,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from './redis-server.ts'
export { type LocalSentinel, startLocalSentinel } from './sentinel/local-sentinel.ts'
export type { Sentinel } from './sentinel/sentinel.ts'
export type { SentinelNode } from './sentinel/sentinel-node.ts'
export type { LocalSentinelOptions } from './sentinel/sentinel-options.ts'
export { stablePort } from './stable-port.ts'
