import { type App, type Environment, entryOf, eventually, type Service, spawnService } from '@timers/lab'
import { installations } from './installations.ts'

const PASSWORD = { DASHBOARD_PASSWORD: 'e2e-password' }

describe('a service with wrong settings does not start', () => {
  let service: Service | undefined
  const start = installations()
  afterEach(async () => {
    if (service?.exit === undefined) await service?.kill('SIGKILL')
    service = undefined
  })

  test.each<[app: App, variable: string, value: string]>([
    ['api', 'PORT', 'abc'],
    ['api', 'PORT', '70000'],
    ['api', 'REDIS_URL', 'http://:hunter2@127.0.0.1'],
    ['api', 'TIMER_SHARDS', '1.5'],
    ['api', 'LOG_LEVEL', 'loud'],
    ['api', 'EVENTS_URL', 'ops.example'],
    ['worker', 'EVENTS_ON', 'failed,lost'],
    ['worker', 'WORKER_CONCURRENCY', 'xyzzy'],
    ['worker', 'WEBHOOK_TIMEOUT_MS', 'soon'],
    ['worker', 'RETENTION_DAYS', '30d'],
    ['dashboard', 'DASHBOARD_PORT', 'abc'],
    ['dashboard', 'DASHBOARD_PASSWORD', ''],
    ['dashboard', 'DASHBOARD_PASSWORD', 'hunter2'],
  ])(
    '%s, %s=%s: exit code 1, and a message that names the variable and not the value',
    async (app, variable, value) => {
      service = spawnService({ entry: entryOf(app), env: { ...PASSWORD, [variable]: value } })
      expect(await service.exited).toEqual({ code: 1, signal: null })
      const output = service.logs.map(({ msg }) => msg).join('\n')
      expect(output).toMatch(new RegExp(`^ +- ${variable} must be .+`, 'm'))
      if (value !== '') expect(output).not.toContain(value)
      expect(output).not.toMatch(/^ +at /m)
    },
  )

  test.each<App>(['api', 'worker'])(
    '%s: an EVENTS_URL at an address that may not be called is a clear error',
    async (app) => {
      service = spawnService({ entry: entryOf(app), env: { EVENTS_URL: 'http://169.254.169.254/latest' } })
      expect(await service.exited).toEqual({ code: 1, signal: null })
      const output = service.logs.map(({ msg }) => msg).join('\n')
      expect(output).toContain('EVENTS_URL must not name an address that is not public')
      expect(output).not.toContain('169.254')
    },
  )

  test('all that is wrong is said at once', async () => {
    const env = { TIMER_SHARDS: 0, WORKER_CONCURRENCY: 'many', WEBHOOK_TIMEOUT_MS: 'soon' }
    service = spawnService({ entry: entryOf('worker'), env })
    await service.exited
    expect(service.logs.filter(({ msg }) => msg?.includes(' must be '))).toHaveLength(3)
  })

  test.each<[App, string]>([
    ['api', 'PORT'],
    ['dashboard', 'DASHBOARD_PORT'],
  ])('%s: a port that is taken is a clear error', async (app, variable) => {
    const installation = await start({ apis: 0, workers: 0 })
    const { port } = installation.receiver
    const taken = installation.spawn(app, { ...PASSWORD, [variable]: port })
    expect(await taken.exited).toEqual({ code: 1, signal: null })
    expect(taken.logs.map(({ msg }) => msg).join('\n')).toContain(`${variable} ${port} is taken`)
  })

  test.each<[App, Environment]>([
    ['api', { PORT: 0 }],
    ['worker', {}],
    ['dashboard', { DASHBOARD_PORT: 0, ...PASSWORD }],
  ])(
    '%s: another TIMER_SHARDS than the data was made with is told, and that of the data is used',
    async (app, env) => {
      const installation = await start({ workers: 0, env: { TIMER_SHARDS: 3 } })
      const mistaken = installation.spawn(app, { ...env, TIMER_SHARDS: 2 })
      await eventually(() =>
        expect(mistaken.logs.map(({ msg }) => msg)).toContainEqual(
          'timers live in 3 shards, and TIMER_SHARDS is 2: there are never fewer shards than before; set TIMER_SHARDS=3',
        ),
      )
      expect(mistaken.exit).toBeUndefined()
    },
  )
})
