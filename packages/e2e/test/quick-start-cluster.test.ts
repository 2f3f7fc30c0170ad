import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, postTimer, type Receiver, readTimer, stablePort, startReceiver } from '@timers/lab'
import { isAlive, QuickStart } from '../src/quick-start.ts'

/** Of `npm start -- --cluster`: six Redis and three services. */
const PROCESSES = 9

describe('npm start -- --cluster', () => {
  const started: QuickStart[] = []
  let folder: string
  let receiver: Receiver

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timers-quick-start-'))
    receiver = await startReceiver()
  })
  afterEach(async () => {
    for (const quickStart of started.splice(0)) await quickStart.close()
    await receiver.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('fires timers, stops with nothing left behind, and goes on where it stopped', async () => {
    const [apiPort, dashboardPort] = [await stablePort(), await stablePort()]
    const start = () => {
      const args = ['--cluster']
      const quickStart = new QuickStart({ dataDir: join(folder, 'data'), apiPort, dashboardPort, args })
      started.push(quickStart)
      return quickStart
    }
    const apiUrl = `http://127.0.0.1:${apiPort}`
    const first = start()
    await first.running()
    expect(first.output).toContain('3 primaries with a replica each, 12 shards at first (TIMER_SHARDS)')
    expect(first.output).toContain('what counts is on 1 more (REDIS_REPLICA_ACKS)')
    await eventually(async () => {
      const ready = await (await fetch(`${apiUrl}/readyz`)).json()
      expect(ready).toEqual({ status: 'ready', problems: [], advice: [] })
    })

    const soon = await Promise.all(
      Array.from({ length: 24 }, () => postTimer(apiUrl, { seconds: 1, url: receiver.hookUrl })),
    )
    expect(soon.map(({ status }) => status)).toEqual(soon.map(() => 201))
    await receiver.waitFor((requests) => requests.length === soon.length)
    const later = await postTimer(apiUrl, { seconds: 5, url: receiver.hookUrl })
    const pids = first.pids()
    expect(pids).toHaveLength(PROCESSES)
    expect(await first.interrupt()).toBe(0)
    expect(first.output).toContain('Stopped.')
    expect(pids.filter(isAlive)).toEqual([])

    const second = start()
    await second.running()
    await receiver.waitFor((requests) => requests.length > soon.length)
    await eventually(async () => {
      expect(await readTimer(apiUrl, Number(later.body.id))).toMatchObject({ status: 'fired' })
    })
    const again = await postTimer(apiUrl, { hours: 1, url: receiver.hookUrl })
    const ids = [...soon, later, again].map(({ body }) => body.id)
    expect(new Set(ids).size).toBe(ids.length)
    expect([...receiver.countById().values()]).toEqual(Array(soon.length + 1).fill(1))
    const secondPids = second.pids()
    expect(await second.interrupt()).toBe(0)
    expect(secondPids.filter(isAlive)).toEqual([])
  }, 120_000)
})
