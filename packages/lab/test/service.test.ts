import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Service, spawnService, stablePort } from '../src/index.ts'

const LISTENS = `
  import { createServer } from 'node:http'
  createServer((request, response) => response.end()).listen(Number(process.env.PORT), '127.0.0.1')
  console.log(JSON.stringify({ level: 30, msg: 'hello', env: Object.keys(process.env).sort() }))
  console.error('a plain line')
  process.on('SIGTERM', () => process.exit(3))
  process.on('disconnect', () => process.exit(0))
`

describe('spawnService', () => {
  let folder: string
  let service: Service | undefined

  async function start(source: string, env: Record<string, string | number> = {}): Promise<Service> {
    const entry = join(folder, 'main.mjs')
    await writeFile(entry, source)
    service = spawnService({ entry, env })
    return service
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'service-'))
  })
  afterEach(async () => {
    if (service?.exit === undefined) await service?.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  test('waits for readiness and lines, and tells how it ended', async () => {
    const port = await stablePort()
    const { ready, waitForLog, kill, logs } = await start(LISTENS, { PORT: port })
    await ready(`http://127.0.0.1:${port}/`)
    const { env } = await waitForLog((line) => line.msg === 'hello')
    expect(env).toEqual(expect.arrayContaining(['PATH', 'PORT', 'TIMERS_PARENT_IPC']))
    expect(env).not.toContain('HOME')
    await waitForLog((line) => line.msg === 'a plain line')
    expect(logs).toHaveLength(2)
    expect(await kill()).toEqual({ code: 3, signal: null })
  })

  test('a service that ends early fails the wait, with its log', async () => {
    const { ready, waitForLog } = await start('throw new Error("no settings")')
    const port = await stablePort()
    await expect(ready(`http://127.0.0.1:${port}/`)).rejects.toThrow(/ended with 1.*no settings/s)
    await expect(waitForLog(() => false)).rejects.toThrow('ended with 1')
  })

  test('kill -9', async () => {
    const { kill } = await start('setInterval(() => {}, 1000)')
    expect(await kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
  })
})
