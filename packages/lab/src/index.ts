/** For tests only: a Redis of their own, a webhook receiver that remembers, a faulty network, the built services. */
export { freePort, redisCommand } from '@timers/local-redis'
export { type EventuallyOptions, eventually } from './eventually.ts'
export { type FixedClock, fixedClock } from './fixed-clock.ts'
export {
  type Answer,
  type ReceivedRequest,
  type Receiver,
  type ReceiverOptions,
  startReceiver,
} from './receiver.ts'
export { type LogLine, type Service, type ServiceExit, type ServiceOptions, spawnService } from './service.ts'
export { type ProxyMode, startTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy.ts'
export { startTestRedis, type TestRedis, type TestRedisOptions } from './test-redis.ts'
