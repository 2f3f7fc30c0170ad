import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Queue, Worker } from 'bullmq'
import { installedScripts, installedVersion, KNOWN_BULLMQ } from '../src/consumer/bullmq-scripts.ts'
import { checkStalled, client, newWorker, P, rig, take, useContractBed } from './bullmq-contract-bed.ts'

const FETCHING = [
  'wait',
  'active',
  'prioritized',
  'events',
  'stalled',
  'limiter',
  'delayed',
  'paused',
  'meta',
  'pc',
] as const

const SCRIPTS = {
  addDelayedJob: {
    keys: ['marker', 'meta', 'id', 'delayed', 'completed', 'events'],
    sha256: 'e47c0db3c46bd84afab98fae90bba3b98cf6554e74df840801c39baccc627c4c',
  },
  moveToActive: {
    keys: [...FETCHING, 'marker'],
    sha256: '7d35069db0b831af1bd1b2d5eb8d524e86fc7d3280b8c684a96b6614bad7d79a',
  },
  moveToFinished: {
    keys: [...FETCHING, 'completed', 't1', 'metrics:completed', 'marker'],
    sha256: '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d',
  },
  moveToDelayed: {
    keys: [
      'marker',
      'active',
      'prioritized',
      'delayed',
      't1',
      'events',
      'meta',
      'stalled',
      'wait',
      'limiter',
      'pc',
    ],
    sha256: '1a7b9311ef92fd66416973c29fa8b2c909cec58d0bfcf3e5ab53bb07ea1664d7',
  },
  moveStalledJobsToWait: {
    keys: ['stalled', 'wait', 'active', 'stalled-check', 'meta', 'paused', 'marker', 'events', 'repeat'],
    sha256: 'dad86d89b50d825fb9ad1e95ef0ca9ae459ba16e837663fdbfc7be6de003debb',
  },
  extendLocks: {
    keys: ['stalled'],
    sha256: '14bb41f30eff2e7ff033bbcb31078fbc954a0bb16902129da8b68861c16baa5c',
  },
  cleanJobsInSet: {
    keys: ['completed', 'events', 'repeat'],
    sha256: 'dbdd85409e49a4e328a42f28e3d7e745c8380583dda6215e84b9fd354cb495e2',
  },
  removeJob: {
    keys: ['t1', 'repeat'],
    sha256: 'f2acb16fda20ccac200abd5289a8910e48870d454c1577b19bd375ab809bb4b6',
  },
} as const

type ScriptName = keyof typeof SCRIPTS

describe(`BullMQ ${KNOWN_BULLMQ}`, () => {
  useContractBed()

  /** Keys that each script was given, by its sha1, as they went over the wire. */
  const sent = new Map<string, string[]>()

  beforeAll(() => {
    const send = client.sendCommand.bind(client)
    client.sendCommand = (command, stream) => {
      if (/^eval(sha)?$/.test(command.name)) {
        const [script = '', count, ...rest] = command.args.map(String)
        const sha = command.name === 'eval' ? createHash('sha1').update(script).digest('hex') : script
        sent.set(sha, rest.slice(0, Number(count)))
      }
      return send(command, stream)
    }
  })

  test('is what is installed, and pinned exactly', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(manifest.dependencies.bullmq).toBe(KNOWN_BULLMQ)
    expect(installedVersion).toBe(KNOWN_BULLMQ)
  })

  test.each(Object.entries(SCRIPTS))('the text of %s is the one that we know', (name, { keys, sha256 }) => {
    const script = installedScripts.find((one) => one.name === name)
    expect(script?.keys).toBe(keys.length)
    expect(
      createHash('sha256')
        .update(script?.content ?? '')
        .digest('hex'),
    ).toBe(sha256)
  })

  test('the scripts take the keys in the order that we know', async () => {
    const own = newWorker()
    const bull = new Queue(rig.keys().queueName, { connection: client, prefix: rig.prefix })
    rig.onClose(() => bull.close())
    await bull.add('n', {}, { jobId: 't1', delay: 1 })
    const job = await take(own)
    await own.extendJobLocks(['t1'], ['tok'], 10_000)
    await job.moveToDelayed(Date.now(), 'tok')
    await (await take(own)).moveToCompleted(null, 'tok', false)
    await checkStalled(own)
    await bull.clean(0, 1, 'completed')
    await bull.remove('t1')
    for (const [name, { keys }] of Object.entries(SCRIPTS))
      expect([name, keysOf(name as ScriptName)]).toEqual([name, keys])
  })

  const keysOf = (name: ScriptName): string[] => {
    const text = installedScripts.find((script) => script.name === name)?.content ?? ''
    const keys = sent.get(createHash('sha1').update(text).digest('hex')) ?? []
    return keys.map((key) => key.slice(P.length))
  }

  test('the methods that we override take what we know', () => {
    const methods = Worker.prototype as unknown as Record<string, { length: number }>
    const arity = (name: string) => methods[name]?.length
    // Parameters from the first one with a default on do not count: processJob has three, close one.
    expect([
      arity('processJob'),
      arity('moveToActive'),
      arity('nextJobFromJobData'),
      arity('extendJobLocks'),
      arity('createBackend'),
      arity('close'),
    ]).toEqual([2, 2, 3, 3, 0, 0])
    expect(newWorker()).toMatchObject({ blockUntil: 0, drained: false })
  })
})
