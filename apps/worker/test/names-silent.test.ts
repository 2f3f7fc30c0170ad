import { startReceiver } from '@timers/lab'
import { ipv4, makeNameFiles, startNameServer } from './name-server.ts'
import { openWorkerBed } from './worker-bed.ts'

const SILENT = 200
const HEALTHY = 40
/** None of them arrived, in 14 s. */
const ON_TIME_MS = 2_000

/** Hands enough for all of them: what is looked at here are names, and not who may hold the worker's hands. */
const WORKER = { WORKER_CONCURRENCY: '500' }

test('200 names whose servers are silent leave 40 healthy named receivers on time', async () => {
  const server = await startNameServer((name, type) =>
    name.endsWith('.silent.test') ? 'silent' : ipv4(name, type, ['127.0.0.1'], 1),
  )
  const files = await makeNameFiles({ resolvConf: `nameserver ${server.address}` })
  const receiver = await startReceiver()
  const bed = await openWorkerBed()
  const silent: number[] = []

  /** The greatest lateness, in ms, of timers to healthy names; each name is new. */
  async function slowestOf(round: string, beside: number): Promise<number> {
    const dueAt = Date.now() + 2_000
    for (let index = 0; index < beside; index += 1) {
      const url = `http://n${index}.${round}.silent.test:${receiver.port}`
      silent.push(await bed.schedule({ url, delayMs: dueAt - Date.now() }))
    }
    const healthy: number[] = []
    for (let index = 0; index < HEALTHY; index += 1) {
      const url = `http://n${index}.${round}.healthy.test:${receiver.port}`
      healthy.push(await bed.schedule({ url, delayMs: dueAt + 1_000 + index * 25 - Date.now() }))
    }
    const late = await Promise.all(
      healthy.map(
        async (id) => (await bed.settled(id, ({ status }) => status === 'fired', 30_000)).latenessMs ?? 0,
      ),
    )
    return late.sort((a, b) => a - b).at(-1) ?? 0
  }

  try {
    await bed.startWorker(WORKER, { nameFiles: files })
    await slowestOf('warm-up', 0)
    expect(await slowestOf('round', SILENT)).toBeLessThan(ON_TIME_MS)
    for (const id of silent) {
      const { log } = await bed.settled(id, ({ attempts }) => attempts > 0)
      expect(log[0]).toMatchObject({ outcome: 'never_sent', reason: 'host name look-up timed out' })
    }
  } finally {
    await bed.close()
    await Promise.all([receiver.close(), server.close(), files.remove()])
  }
}, 60_000)
