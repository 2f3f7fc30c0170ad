import { stablePort } from '@timers/lab'
import type { Redis } from 'ioredis'
import { connect, type Endpoint } from '../src/nodes/redis-client.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** (Not of 'node:events': that one rejects with an error of the connection.) */
const once = (redis: Redis, event: string) => new Promise((resolve) => redis.once(event, resolve))

describe('a connection that is ended while it waits to be connected again', () => {
  /** One to a port at which nobody listens. */
  async function waiting(kind: 'single' | 'node'): Promise<Redis> {
    const port = await stablePort()
    const endpoint: Endpoint =
      kind === 'single'
        ? { kind, url: `redis://127.0.0.1:${port}` }
        : { kind, address: { host: '127.0.0.1', port }, access: { tls: false } }
    const redis = connect(endpoint, 'worker', { log })
    await once(redis, 'reconnecting')
    return redis
  }

  test('comes to its end: who watched it went on looking at its address for ever', async () => {
    const redis = await waiting('node')
    const ended = once(redis, 'end')
    redis.disconnect()
    await ended
    expect(redis.status).toBe('end')
  })

  test('says so to what it was to send: that was waited for for ever', async () => {
    const redis = await waiting('single')
    const reply = redis.get('key')
    redis.disconnect()
    await expect(reply).rejects.toThrow('Connection is closed.')
  })

  test('may be connected again', async () => {
    const redis = await waiting('single')
    redis.disconnect()
    await expect(redis.connect()).rejects.toThrow()
    await once(redis, 'reconnecting')
    redis.disconnect()
  })
})
