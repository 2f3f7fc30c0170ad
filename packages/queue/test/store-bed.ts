import { startTcpProxy, type TcpProxy } from '@timers/lab'
import { Rig } from './rig.ts'

/** Of the test that runs. */
export let rig: Rig

/** To be called in a `describe`: a Redis for all of its tests, emptied after each. */
export function useStoreBed(): void {
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())
}

export const HOUR = 3_600_000
export const jobs = async () => (await rig.client.keys('*')).filter((key) => /:t\d+$/.test(key))

export async function proxied(): Promise<{ proxy: TcpProxy; redisUrl: string }> {
  const proxy = await startTcpProxy({ targetPort: rig.redis.port })
  rig.onClose(() => proxy.close())
  return { proxy, redisUrl: `redis://127.0.0.1:${proxy.port}` }
}
