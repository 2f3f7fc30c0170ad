import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transformSync } from '@swc/core'
import { eventually, freePort } from '@timers/lab'
import { openWorkerBed, type WorkerBed } from './worker-bed.ts'

/** The receivers that README.md shows are run as they stand there, against a real worker. */
const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`

const codeOf = (language: string) => {
  const [, code] =
    new RegExp(`\`\`\`${language}\\n([^\`]*createHmac|[^\`]*hmac)[\\s\\S]*?\`\`\``).exec(README) ?? []
  if (code === undefined) throw new Error(`README.md shows no receiver in ${language}`)
  const start = README.indexOf(code)
  return README.slice(start, README.indexOf('\n```', start))
}
const toJavaScript = (code: string) =>
  transformSync(code, {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
  }).code

const hasPython = spawnSync('python3', ['--version']).status === 0
const RECEIVERS: [string, string, () => string, string][] = [
  ['TypeScript', process.execPath, () => toJavaScript(codeOf('ts')), 'receiver.mjs'],
  ...(hasPython
    ? [['Python', 'python3', () => codeOf('python'), 'receiver.py'] as [string, string, () => string, string]]
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
  const port = await freePort()
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

test.each(RECEIVERS)(
  'the receiver in %s takes what is ours, and nothing else',
  async (_language, command, code, name) => {
    const file = join(folder, name)
    writeFileSync(file, code())
    const ours = await startReceiver(command, file, SECRET)
    const foreign = await startReceiver(command, file, OTHER_SECRET)
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
  },
)
