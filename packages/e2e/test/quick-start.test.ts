import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, postTimer, type Receiver, readTimer, stablePort, startReceiver } from '@timers/lab'
import { getWithLogin } from '../src/dashboard-client.ts'
import { isAlive, QuickStart } from '../src/quick-start.ts'

describe('npm start', () => {
  const started: QuickStart[] = []
  let folder: string
  let receiver: Receiver
  let apiPort: number
  let dashboardPort: number

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timers-quick-start-'))
    receiver = await startReceiver()
    apiPort = await stablePort()
    dashboardPort = await stablePort()
  })
  afterEach(async () => {
    for (const quickStart of started.splice(0)) await quickStart.close()
    await receiver.close()
    await rm(folder, { recursive: true, force: true })
  })

  function start(): QuickStart {
    const quickStart = new QuickStart({ dataDir: join(folder, 'data'), apiPort, dashboardPort })
    started.push(quickStart)
    return quickStart
  }

  test('does the job that it prints, stops in order, and goes on where it stopped', async () => {
    const first = start()
    await first.running()

    const [, apiUrl = '', body = ''] = /^ *curl -i (\S+)\/timers .* -d '(.*)'$/m.exec(first.output) ?? []
    const created = await postTimer(apiUrl, { ...JSON.parse(body), seconds: 1, url: receiver.hookUrl })
    expect(created.status).toBe(201)
    await receiver.waitFor((requests) => requests.length === 1)
    expect(receiver.requests[0]).toMatchObject({ method: 'POST', path: `/hook/${created.body.id}` })
    expect(receiver.requests[0]?.receivedAt).toBeGreaterThanOrEqual(Date.parse(String(created.body.due_at)))

    const [, dashboardUrl = '', user = '', password = ''] =
      /Dashboard +(\S+) +user: (\S+) +password: (\S+)/.exec(first.output) ?? []
    expect((await fetch(dashboardUrl)).status).toBe(401)
    expect((await getWithLogin(dashboardUrl, user, password)).status).toBe(200)

    // One timer is in flight at the stop, and one is due after it.
    receiver.respond = () => ({ delayMs: 1_000 })
    const inFlight = await postTimer(apiUrl, { seconds: 1, url: receiver.hookUrl })
    const later = await postTimer(apiUrl, { seconds: 5, url: receiver.hookUrl })
    await receiver.waitFor((requests) => requests.length === 2)
    const firstPids = first.pids()
    expect(firstPids).toHaveLength(4)
    expect(firstPids.filter(isAlive)).toEqual(firstPids)
    expect(await first.interrupt()).toBe(0)
    expect(first.output).toContain('Stopped.')
    expect(receiver.requests[1]?.answeredAt).toBeDefined()
    expect(firstPids.filter(isAlive)).toEqual([])
    await sleep(Date.parse(String(later.body.due_at)) - Date.now())
    expect(receiver.requests).toHaveLength(2)

    const second = start()
    await second.running()
    await receiver.waitFor((requests) => requests.length === 3)
    expect(receiver.requests[2]?.id).toBe(later.body.id)
    for (const { body } of [created, inFlight, later]) {
      await eventually(async () => {
        expect(await readTimer(apiUrl, Number(body.id))).toMatchObject({
          status: 'fired',
          response_status: 200,
        })
      })
    }
    const secondPids = second.pids()
    expect(await second.interrupt()).toBe(0)
    expect(secondPids.filter(isAlive)).toEqual([])
    expect([...receiver.countById().values()]).toEqual([1, 1, 1])
  }, 120_000)

  test('a port that is taken is a clear error, and nothing is started', async () => {
    apiPort = receiver.port
    const quickStart = start()
    expect(await quickStart.exited).toBe(1)
    expect(quickStart.output).toContain(`Port ${apiPort} (PORT) is taken by another process`)
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })
})
