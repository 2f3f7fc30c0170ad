import { execFile, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually, stablePort, startTestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from '../../apps/api/test/test-api.ts'
import { openWorkerBed, type WorkerBed } from '../../apps/worker/test/worker-bed.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/api.md',
  'docs/benchmarks.md',
  'docs/chaos.md',
  'docs/operations.md',
  'docs/redis.md',
  'docs/security.md',
]

const textOf = (document: string) => readFileSync(join(ROOT, document), 'utf8')

/** The shell commands of a document, or of one part of it: blocks that are marked `sh`, also within lists. */
function blocksOf(document: string, heading?: string): string[] {
  const text = textOf(document)
  const from = heading === undefined ? 0 : text.indexOf(`\n${heading}\n`)
  if (from === -1) throw new Error(`${document} has no part ${heading}`)
  const level = heading?.split(' ')[0]
  const end = level === undefined ? -1 : text.indexOf(`\n${level} `, from + 1)
  const part = text.slice(from, end === -1 ? undefined : end)
  return [...part.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', code = '']) =>
    code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
}

/** The block of a document, or of a part of it, that contains `what`. */
function blockWith(what: string, document: string, heading?: string): string {
  const block = blocksOf(document, heading).find((code) => code.includes(what))
  if (block === undefined) throw new Error(`${document} ${heading} has no command with ${what}`)
  return block
}

const run = async (code: string, env: Record<string, string> = {}) => {
  const options = { env: { ...process.env, ...env }, timeout: 20_000 }
  return (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', code], options)).stdout
}

describe.each(DOCUMENTS)('%s', (document) => {
  test('shows commands that a shell can read', () => {
    for (const block of blocksOf(document)) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: block, encoding: 'utf8' })
      expect([block, status, stderr]).toEqual([block, 0, ''])
    }
  })

  test('runs npm scripts and files that are there', () => {
    const { scripts } = JSON.parse(textOf('package.json'))
    const code = blocksOf(document).join('\n')
    const missing = [...code.matchAll(/npm run ([\w-]+)/g)].filter(([, name = '']) => !(name in scripts))
    expect(missing).toEqual([])
    const files = [...code.matchAll(/\b(?:node|redis-server) ([\w/.-]+\.(?:mjs|js|conf))/g)]
    for (const [, file = ''] of files) {
      const source = file.replace(/\/dist\/(.*)\.js$/, '/src/$1.ts')
      expect([file, existsSync(join(ROOT, source))]).toEqual([file, true])
    }
  })
})

/** The settings that "Single services" gives a service. */
function settingsOf(service: string): Record<string, string> {
  const command = blockWith(`apps/${service}/dist/main.js`, 'README.md', '### Single services')
  return Object.fromEntries([...command.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]))
}

describe('after "Single services"', () => {
  let bed: WorkerBed
  let api: TestApi
  let apiPort: number
  const children: ReturnType<typeof spawn>[] = []

  beforeAll(async () => {
    bed = await openWorkerBed()
    await bed.startWorker({ DELIVERY_ALLOW_CIDRS: '', ...settingsOf('worker') })
    api = await startTestApi({ redisUrl: bed.redis.url, env: settingsOf('api') })
    await api.ready()
    apiPort = await api.listen()
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await api.close()
    await bed.close()
  })

  /** A command as it stands there, with ports that are free here. */
  const here = (command: string, receiverPort: number) =>
    command.replaceAll(':3000', `:${apiPort}`).replace(/\b400[01]\b/g, String(receiverPort))

  /** Starts the receiver that the README shows; the list grows with what it prints. */
  async function startShownReceiver(port: number): Promise<string[]> {
    const lines: string[] = []
    const [shown = ''] = blocksOf('README.md', '## Try it')
    const child = spawn('bash', ['-c', `exec ${here(shown, port).trim()}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    child.stdout.setEncoding('utf8').on('data', (text) => lines.push(text))
    const ping = () => fetch(`http://127.0.0.1:${port}/ready`)
    await eventually(ping, { timeoutMs: 10_000 })
    return lines
  }

  test('"Try it" works as printed', async () => {
    const port = await stablePort()
    const lines = await startShownReceiver(port)
    const [, create = '', read = ''] = blocksOf('README.md', '## Try it')
    const created = await run(here(create, port).replace('"seconds":5', '"seconds":1'))
    expect(created).toContain('HTTP/1.1 201 Created')
    await eventually(() => expect(lines.join('')).toContain('POST /hook/1\n'), { timeoutMs: 10_000 })
    await eventually(async () => expect(await run(here(read, port))).toContain('"status":"fired"'))
  })

  test('"Change your mind" works as printed, and shows what comes of it', async () => {
    const port = await stablePort()
    const commands = blocksOf('README.md', '## Change your mind')
    const part = textOf('README.md').split('\n## Change your mind\n')[1]?.split('\n## ')[0] ?? ''
    const shown = [...part.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json = '']) => JSON.parse(json))
    expect([commands.length, shown.length]).toEqual([3, 3])
    for (const [at, command] of commands.entries()) {
      const answer = JSON.parse(await run(here(command, port)))
      expect(Object.keys(answer)).toEqual(Object.keys(shown[at]))
      expect(answer).toMatchObject({ status: shown[at].status, time_left: shown[at].time_left })
    }
  })

  test('the example of redrive gives a timer that can be redriven', async () => {
    const port = await stablePort()
    const [create = '', redrive = ''] = blocksOf('docs/api.md', '## `POST /timers/{id}/redrive`')
    const { id } = JSON.parse(await run(here(create, port)))
    await bed.settled(id, ({ status }) => status === 'failed')
    const lines = await startShownReceiver(port)
    const answer = JSON.parse(await run(here(redrive, port).replace('/2/', `/${id}/`)))
    expect(answer).toMatchObject({ id, status: expect.stringMatching(/pending|firing|fired/) })
    await eventually(() => expect(lines.join('')).toContain(`POST /hook/${id}\n`), { timeoutMs: 10_000 })
  })
})

describe('docs/operations.md', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'timers-documented-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('the backup is made on any port and folder, and holds what was there', async () => {
    const redis = await startTestRedis()
    try {
      await redis.command('SET', 'kept', 'yes')
      const code = blockWith('BACKUP=', 'docs/operations.md', '## Backup and restore')
      const backup = join(folder, 'backups')
      await run(
        code.replace(/^REDIS_URL=\S+/m, `REDIS_URL=${redis.url}`).replace(/^BACKUP=\S+/m, `BACKUP=${backup}`),
      )
      const [made = ''] = readdirSync(backup)
      expect(readdirSync(join(backup, made))).toContain('appendonly.aof.manifest')
      const written = readdirSync(join(backup, made)).map((name) =>
        readFileSync(join(backup, made, name), 'latin1'),
      )
      expect(written.join('')).toContain('kept')
      expect(await redis.command('CONFIG', 'GET', 'auto-aof-rewrite-percentage')).toContain('100')
    } finally {
      await redis.stop()
    }
  })

  test('a password is changed while services use the old one', async () => {
    const redis = await startTestRedis()
    try {
      const urlWith = (password: string) => redis.url.replace('//', `//default:${password}@`)
      const ping = (password: string) => run(`redis-cli -u "${urlWith(password)}" ping`)
      await redis.command('CONFIG', 'SET', 'requirepass', 'old')
      const add = blockWith('">$NEW_PASSWORD"', 'docs/operations.md')
      await run(add, { REDIS_URL: urlWith('old'), NEW_PASSWORD: 'new' })
      expect([await ping('old'), await ping('new')]).toEqual(['PONG\n', 'PONG\n'])
      const remove = blockWith('"<$OLD_PASSWORD"', 'docs/operations.md')
      await run(remove, { NEW_REDIS_URL: urlWith('new'), OLD_PASSWORD: 'old' })
      expect(await ping('new')).toBe('PONG\n')
      expect(await ping('old')).not.toBe('PONG\n')
    } finally {
      await redis.stop()
    }
  })
})
