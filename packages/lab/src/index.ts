/**
 * The laboratory, for tests, chaos and the bench only: processes, a Redis of their own, receivers that remember, a faulty
 * network, clients, and one judge of what they all saw.
 */
export { type RedisReply, redisCommand, stablePort } from '@timers/local-redis'
export {
  type Change,
  CONFLICT_MODES,
  type ConflictMode,
  type Creation,
  isUncertain,
  type Redrive,
  type Sweep,
} from './judge/answers.ts'
export { type ApiAnswer, getJson, postTimer, readTimer } from './judge/api-client.ts'
export { ChangingClients, type Target } from './judge/changing-clients.ts'
export { Clients, type Wish } from './judge/clients.ts'
export type { Evidence, ListFilter } from './judge/evidence.ts'
export { FLAWLESS, type Flaws } from './judge/flaws.ts'
export { wishLabel } from './judge/gather.ts'
export { onTheirWay, stillToTell } from './judge/rest.ts'
export {
  type CallbackSighting,
  callbackOf,
  OPERATOR_PATH,
  type Sighting,
  sightingOf,
} from './judge/sightings.ts'
export { percentile, ratioOf, type Spread, spreadOf } from './judge/statistics.ts'
export { type AttemptView, FINAL_STATUSES, type Mode, type TimerView } from './judge/timer-view.ts'
export { judge, type UnknownTimer, type Verdict } from './judge/verdict.ts'
export type { Faults, ProxyMode } from './network/lane.ts'
export type { NodeNetwork } from './network/node-network.ts'
export { startTcpProxy, type TcpProxy, type TcpProxyOptions } from './network/tcp-proxy.ts'
export {
  DASHBOARD_PASSWORD,
  DASHBOARD_USER,
  Installation,
  type InstallationOptions,
  type Listening,
} from './processes/installation.ts'
export {
  type App,
  type Environment,
  entryOf,
  type LogLine,
  type Service,
  type ServiceExit,
  type ServiceOptions,
  spawnService,
} from './processes/service.ts'
export {
  type Answer,
  type ReceivedRequest,
  type Receiver,
  type ReceiverOptions,
  startReceiver,
} from './receivers/receiver.ts'
export { answerBytes, serveRequests, targetOf } from './receivers/serve-requests.ts'
export { type AclUser, readAclUsers } from './redis/acl-users.ts'
export { startTestCluster, type TestCluster, type TestClusterOptions } from './redis/test-cluster.ts'
export { startTestRedis, type TestRedis, type TestRedisOptions } from './redis/test-redis.ts'
export type { TestUser } from './redis/test-security.ts'
export { startTestSentinel, type TestSentinel, type TestSentinelOptions } from './redis/test-sentinel.ts'
export { type EventuallyOptions, eventually } from './time/eventually.ts'
export { type FixedClock, fixedClock } from './time/fixed-clock.ts'
export { type Timed, timed } from './time/timed.ts'
