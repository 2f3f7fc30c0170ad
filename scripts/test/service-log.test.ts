import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@timers/lab'
import { SupervisedService } from '../supervised-service.mjs'

const MIB = 1_048_576
/** Lines of a good KiB: more than is kept, and the last of them in the middle of a file. */
const FLOOD = 55 * 1_024

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'timers-service-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A service that writes `count` numbered lines of 1 KiB, and says goodbye when it is told to stop. */
function supervised(count: number): SupervisedService {
  const entry = join(folder, 'service.mjs')
  writeFileSync(
    entry,
    `import { once } from 'node:events'
    process.on('SIGTERM', () => process.stdout.write('{"msg":"goodbye"}\\n', () => process.exit(0)))
    setInterval(() => {}, 1_000)
    process.stdout.write('{"msg":"here"}\\n')
    for (let number = 0; number < ${count}; number += 1) {
      if (!process.stdout.write(JSON.stringify({ number, text: 'ü'.repeat(500) }) + '\\n')) await once(process.stdout, 'drain')
      if (number % 1_000 === 0) await new Promise(setImmediate)
    }
    process.stdout.write('{"msg":"done"}\\n')`,
  )
  const logFolder = join(folder, 'logs')
  const onGivenUp = (): void => {}
  return new SupervisedService({ name: 'api', entry, env: {}, logFolder, readyMessage: 'here', onGivenUp })
}

const files = () => readdirSync(join(folder, 'logs')).sort()
const textOf = (name: string) => readFileSync(join(folder, 'logs', name), 'utf8')
const linesOf = (name: string) =>
  textOf(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('nobody else on the machine can read the logs, in a folder of an older start either', async () => {
  mkdirSync(join(folder, 'logs'))
  chmodSync(join(folder, 'logs'), 0o755)
  const service = supervised(1)
  try {
    await service.start()
    await eventually(() => expect(textOf('api.log')).toContain('"here"'))
    expect(statSync(join(folder, 'logs')).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'logs', 'api.log')).mode & 0o777).toBe(0o600)
  } finally {
    await service.stop()
  }
})

test('a service that floods its log leaves at most 50 MiB on disk, the newest, without a gap', async () => {
  const service = supervised(FLOOD)
  try {
    await service.start()
    await eventually(() => expect(textOf('api.log')).toContain('"done"'), {
      timeoutMs: 25_000,
      intervalMs: 500,
    })
  } finally {
    await service.stop()
  }
  const oldestFirst = [4, 3, 2, 1].map((age) => `api.previous.${age}.log`).concat('api.log')
  expect(files()).toEqual([...oldestFirst].sort())
  for (const name of oldestFirst) {
    expect(statSync(join(folder, 'logs', name)).size).toBeLessThan(10 * MIB + 128 * 1_024)
  }
  const lines = oldestFirst.flatMap(linesOf)
  expect(lines.slice(-2)).toEqual([{ msg: 'done' }, { msg: 'goodbye' }])
  const numbers = lines.flatMap(({ number }) => (number === undefined ? [] : [number]))
  expect(numbers.at(-1)).toBe(FLOOD - 1)
  expect(numbers).toEqual(Array.from(numbers, (_, at) => numbers[0] + at))
})

test('each run begins a new log, and four before it are kept', async () => {
  for (let run = 1; run <= 7; run += 1) {
    const service = supervised(run)
    await service.start()
    await eventually(() => expect(textOf('api.log')).toContain('"done"'))
    await service.stop()
  }
  expect(files()).toHaveLength(5)
  const runOf = (name: string) => linesOf(name).filter(({ number }) => number !== undefined).length
  expect(['api.log', 'api.previous.1.log', 'api.previous.4.log'].map(runOf)).toEqual([7, 6, 3])
})
