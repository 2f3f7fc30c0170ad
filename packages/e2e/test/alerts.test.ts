import { eventually, Installation, postTimer, stablePort } from '@timers/lab'
import { alertRules, quickened } from '../src/alert-rules.ts'
import { ensurePrometheus } from '../src/prometheus-binary.ts'
import { type PrometheusServer, startPrometheus } from '../src/prometheus-server.ts'

const binaries = await ensurePrometheus((line) => process.stderr.write(`${line}\n`))
const describeWithPrometheus = binaries === undefined ? describe.skip : describe

/** One minute of the rules is three seconds here. */
const QUICKER = 20
const SOON = { timeoutMs: 40_000, intervalMs: 250 }

describeWithPrometheus('a real Prometheus that scrapes the built services', () => {
  let installation: Installation
  let prometheus: PrometheusServer
  let healthPort: number

  beforeAll(async () => {
    installation = await Installation.start({ apis: 1, workers: 0, respond: () => ({ status: 200 }) })
    healthPort = await stablePort()
    prometheus = await startPrometheus({
      binary: binaries?.prometheus ?? '',
      rules: quickened(alertRules(), QUICKER),
      jobs: {
        'timers-api': [new URL(installation.apiUrl).host],
        'timers-worker': [`127.0.0.1:${healthPort}`],
      },
    })
  }, 60_000)

  afterAll(async () => {
    await prometheus?.stop()
    await installation?.close()
  })

  const schedule = () => postTimer(installation.apiUrl, { seconds: 1, url: installation.receiver.hookUrl })

  test('there is no worker: the API tells how late timers are, and the alert fires', async () => {
    await schedule()
    await eventually(async () => {
      const firing = await prometheus.firing()
      expect(firing).toEqual(expect.arrayContaining(['TimersOverdue', 'TimersNoWorker', 'TimersProcessDown']))
      expect(firing).not.toContain('TimersNotCounted')
    }, SOON)
    expect((await prometheus.query('timers_oldest_overdue_seconds')).api).toBeGreaterThan(5)
  }, 60_000)

  test('a worker starts: the alerts end', async () => {
    await installation.startWorker({ HEALTH_PORT: healthPort })
    await eventually(async () => expect(await prometheus.firing()).toEqual([]), SOON)
    expect(await prometheus.query('timers_ready')).toEqual({ api: 1, worker: 1 })
  }, 60_000)

  test('the first unknown of that worker fires an alert', async () => {
    installation.receiver.respond = () => 'close'
    await schedule()
    await eventually(async () => expect(await prometheus.firing()).toEqual(['TimersUnknown']), SOON)
  }, 60_000)
})
