import { type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startTestRedis, type TestRedis } from '@timers/lab'
import { openShardQueues } from '@timers/queue'
import { createLogger, parseSettings } from '@timers/runtime'
import { buildDashboard } from '../src/build-dashboard.ts'
import { dashboardSettings } from '../src/settings.ts'

const PASSWORD = 'correct horse'
const basic = (password: string) => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

let redis: TestRedis
let shardQueues: ReturnType<typeof openShardQueues>
let close: () => Promise<void> = async () => {}
let port: number
let logs: Record<string, unknown>[]

beforeAll(async () => {
  redis = await startTestRedis()
  const log = createLogger({ service: 'test', level: 'silent' })
  shardQueues = openShardQueues({ redisUrl: redis.url, shards: 1, log })
})
afterAll(async () => {
  await shardQueues.close()
  await redis.stop()
})
afterEach(() => close())

async function startDashboard(env: Record<string, string> = {}): Promise<void> {
  const settings = parseSettings(dashboardSettings, {
    HOST: '127.0.0.1',
    DASHBOARD_PASSWORD: PASSWORD,
    ...env,
  })
  logs = []
  const destination = { write: (line: string) => void logs.push(JSON.parse(line)) }
  const logger = createLogger({ service: 'dashboard', level: 'info', destination })
  const app = buildDashboard(settings, { shardQueues, logger })
  close = async () => {
    close = async () => {}
    await app.close()
  }
  await app.listen({ host: '0.0.0.0', port: 0 })
  port = (app.server.address() as AddressInfo).port
}

/** A GET over a connection of its own, from an address of loopback that stands for somebody's machine. */
function get(from: string, headers: Record<string, string>, path = '/'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, localAddress: from, headers, agent: false }
    request(options, (response) => {
      response.resume()
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
    })
      .once('error', reject)
      .end()
  })
}
const login = (from: string, password: string) => get(from, { authorization: basic(password) })

describe('who guesses passwords', () => {
  it('gets ten a minute compared, then not even the right one, while others log in', async () => {
    await startDashboard()
    const answers: Answer[] = []
    for (let batch = 0; batch < 20; batch += 1) {
      const guesses = Array.from({ length: 20 }, (_, at) => login('127.0.0.2', `guess ${batch} ${at}`))
      answers.push(...(await Promise.all(guesses)))
    }
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
    const limited = answers.filter(({ status }) => status === 429)
    expect(limited).toHaveLength(390)
    for (const { headers } of limited) {
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
    }
    expect((await login('127.0.0.2', PASSWORD)).status).toBe(429)
    for (let count = 0; count < 30; count += 1) {
      expect((await login('127.0.0.3', PASSWORD)).status).toBe(200)
    }
    expect((await get('127.0.0.2', {}, '/healthz')).status).toBe(200)
  })

  it('does not fill the log: ten lines, then one with the number of the rest', async () => {
    await startDashboard()
    for (let count = 0; count < 200; count += 1) await login('127.0.0.2', `guess ${count}`)
    await close()
    expect(logs.filter(({ msg }) => msg === 'login refused')).toHaveLength(10)
    expect(logs.filter(({ msg }) => msg === 'more logins refused')).toEqual([
      expect.objectContaining({ level: 40, refused: 190 }),
    ])
    expect(logs).toHaveLength(11)
  })

  it('is told by a trusted proxy from others behind it, and cannot make addresses up', async () => {
    await startDashboard({ TRUSTED_PROXIES: '127.0.0.9' })
    const viaProxy = (ip: string, password: string) =>
      get('127.0.0.9', { authorization: basic(password), 'x-forwarded-for': ip })
    for (let count = 0; count < 20; count += 1) await viaProxy('198.51.100.1', 'wrong')
    expect((await viaProxy('198.51.100.1', PASSWORD)).status).toBe(429)
    expect((await viaProxy('198.51.100.2', PASSWORD)).status).toBe(200)
    const statuses = []
    for (let count = 0; count < 20; count += 1) {
      const headers = { authorization: basic('wrong'), 'x-forwarded-for': `203.0.113.${count}` }
      statuses.push((await get('127.0.0.2', headers)).status)
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
  })
})

describe('a page of another site', () => {
  const authorization = basic(PASSWORD)
  const statusOf = async (headers: Record<string, string>) =>
    (await get('127.0.0.1', { authorization, ...headers }, '/api/queues')).status

  it.each([
    ['a script of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a script of a neighbour', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
    ['another origin, in an older browser', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
  ])('%s is refused', async (_name, headers) => {
    await startDashboard()
    expect(await statusOf(headers)).toBe(403)
  })

  it.each(['rebound.evil.example', 'rebound.evil.example:3001', 'localhost.evil.example'])(
    'a name that was made to point at this machine is refused: %s',
    async (host) => {
      await startDashboard()
      expect(await statusOf({ host })).toBe(403)
    },
  )

  it('the page itself, a person and a link are let through', async () => {
    await startDashboard()
    expect(await statusOf({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' })).toBe(200)
    expect(await statusOf({ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })).toBe(200)
    expect(await statusOf({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(200)
    expect(await statusOf({ origin: `http://127.0.0.1:${port}` })).toBe(200)
    for (const host of ['localhost', 'LOCALHOST:3001', '127.0.0.1:1', '[::1]:3001']) {
      expect([host, await statusOf({ host })]).toEqual([host, 200])
    }
  })

  it('names are free where it listens for others, until it is told its own', async () => {
    await startDashboard({ HOST: '0.0.0.0' })
    expect(await statusOf({ host: 'timers.example' })).toBe(200)
    await close()
    await startDashboard({ HOST: '0.0.0.0', ALLOWED_HOSTS: 'timers.example' })
    expect(await statusOf({ host: 'timers.example:8080' })).toBe(200)
    expect(await statusOf({ host: 'other.example' })).toBe(403)
  })
})
