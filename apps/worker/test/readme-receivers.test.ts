import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, stablePort } from '@timers/lab'
import { openWorkerBed, type WorkerBed } from './worker-bed.ts'

/** The receivers that README.md shows are run as they stand there, against a real worker. */
const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`

const codeOf = (language: string) => {
  const [, code] = new RegExp(`\n\`\`\`${language}\n(.*?)\n\`\`\`\n`, 's').exec(README) ?? []
  if (code === undefined || !/hmac/i.test(code)) throw new Error(`README.md shows no receiver in ${language}`)
  return code
}

const hasPython = spawnSync('python3', ['--version']).status === 0
const RECEIVERS: { language: string; command: string; code: () => string; name: string }[] = [
  {
    language: 'JavaScript',
    command: process.execPath,
    code: () => codeOf('js'),
    name: 'receiver.mjs',
  },
  ...(hasPython
    ? [{ language: 'Python', command: 'python3', code: () => codeOf('python'), name: 'receiver.py' }]
    : []),
]

let bed: WorkerBed
let folder: string
const children: ChildProcess[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'timers-readme-'))
  bed = await openWorkerBed()
  await bed.startWorker({ WEBHOOK_SECRETS: SECRET })
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
  await bed.close()
})

async function startReceiver(command: string, file: string, secret: string): Promise<number> {
  const port = await stablePort()
  const env = { PATH: process.env.PATH, PORT: String(port), WEBHOOK_SECRET: secret }
  children.push(spawn(command, [file], { env, stdio: 'ignore' }))
  await eventually(
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.destroy()
          resolve()
        })
        socket.once('error', reject)
      }),
    { timeoutMs: 10_000 },
  )
  return port
}

/** Sends bytes as they are, and answers with the first line of what comes back; empty when nothing does. */
function answerTo(port: number, head: readonly string[], body = ''): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${['POST /hook/1 HTTP/1.1', 'host: x', ...head].join('\r\n')}\r\n\r\n${body}`, 'latin1')
    })
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text
      if (answer.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('error', () => {}).once('close', () => resolve(answer.split('\r\n')[0] ?? ''))
  })
}

describe.each(RECEIVERS)('the receiver in $language', ({ command, code, name }) => {
  let ours: number
  let foreign: number

  beforeAll(async () => {
    const file = join(folder, name)
    writeFileSync(file, code())
    ours = await startReceiver(command, file, SECRET)
    foreign = await startReceiver(command, file, OTHER_SECRET)
  })

  test('takes what is ours, and nothing else', async () => {
    const url = (port: number) => `http://127.0.0.1:${port}/hook`
    const taken = [
      await bed.schedule({ url: url(ours) }),
      await bed.schedule({ url: url(ours), payload: '{"text":"ü"}' }),
    ]
    const refused = await bed.schedule({ url: url(foreign), payload: '1' })
    for (const id of taken) {
      expect(await bed.settled(id, ({ attempts }) => attempts > 0)).toMatchObject({
        status: 'fired',
        responseStatus: 204,
      })
    }
    expect(await bed.settled(refused, ({ attempts }) => attempts > 0)).toMatchObject({
      status: 'failed',
      responseStatus: 401,
    })
  })

  const now = () => Math.floor(Date.now() / 1_000)
  test.each<[string, () => string[]]>([
    ['no signature at all', () => []],
    ['no signature', () => ['webhook-id: timer_1', `webhook-timestamp: ${now()}`]],
    ['no id', () => [`webhook-timestamp: ${now()}`, 'webhook-signature: v1,AAAA']],
    ['no time', () => ['webhook-id: timer_1', 'webhook-signature: v1,AAAA']],
    ['a time that is no number', () => ['webhook-timestamp: today', 'webhook-signature: v1,AAAA']],
    ['a time without end', () => [`webhook-timestamp: ${'9'.repeat(5_000)}`, 'webhook-signature: v1,AAAA']],
    ['an empty signature', () => [`webhook-timestamp: ${now()}`, 'webhook-signature: ']],
    ['a signature of odd bytes', () => [`webhook-timestamp: ${now()}`, 'webhook-signature: v1,\xfc\xe9\xb2']],
    ['an odd id', () => ['webhook-id: \xfc', `webhook-timestamp: ${now()}`, 'webhook-signature: v1,= v1,']],
  ])('answers 401 to a request with %s, and goes on', async (_what, headers) => {
    expect(await answerTo(ours, [...headers(), 'content-length: 2'], '{}')).toMatch(/^HTTP\/1\.[01] 401 /)
  })

  test('outlives a client that hangs up in the middle of its body', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(ours, '127.0.0.1', () => {
        socket.write('POST /hook/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{', () => {
          socket.resetAndDestroy()
          resolve()
        })
      })
    })
    expect(await answerTo(ours, ['content-length: 0'])).toMatch(/^HTTP\/1\.[01] 401 /)
  })
})
