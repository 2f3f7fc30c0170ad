/**
 * The laboratory, for tests, chaos and the bench only: processes, a Redis of their own, receivers that remember, a faulty
 * network, clients, and one judge of what they all saw.
 */
export { freePort, redisCommand } from '@timers/local-redis'
export { type ApiAnswer, getJson, postTimer, readTimer } from './judge/api-client.ts'
export { Clients, type Wish } from './judge/clients.ts'
export {
  type AttemptView,
  type Creation,
  type Evidence,
  type Mode,
  type Redrive,
  type Sighting,
  sightingOf,
  type TimerView,
} from './judge/evidence.ts'
export { onTheirWay } from './judge/rest.ts'
export { percentile, ratioOf, type Spread, spreadOf } from './judge/statistics.ts'
export { FLAWLESS, type Flaws, judge, type UnknownTimer, type Verdict } from './judge/verdict.ts'
export { stablePort } from './network/stable-port.ts'
export { type ProxyMode, startTcpProxy, type TcpProxy, type TcpProxyOptions } from './network/tcp-proxy.ts'
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
export { startTestRedis, type TestRedis, type TestRedisOptions } from './redis/test-redis.ts'
export { type EventuallyOptions, eventually } from './time/eventually.ts'
export { type FixedClock, fixedClock } from './time/fixed-clock.ts'
