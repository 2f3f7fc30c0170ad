import { eventually, FLAWLESS, type Service } from '@timers/lab'
import { Blockage } from '../src/blockage.ts'
import { Load } from '../src/load.ts'
import { atRest, judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

/** Longer than the worker is frozen: the answer has come by then, and is there to be read. */
const SETTINGS = { WEBHOOK_TIMEOUT_MS: 60_000 }

describe('a worker does nothing for longer than its locks last', () => {
  const start = installations()
  let blockage: Blockage
  beforeEach(() => {
    blockage = new Blockage()
  })
  afterEach(() => blockage.remove())

  const stopped = {
    name: 'stopped by SIGSTOP',
    freeze: (worker: Service) => worker.signal('SIGSTOP'),
    thaw: (worker: Service) => worker.signal('SIGCONT'),
  }
  const blocked = {
    name: 'its event loop blocked',
    freeze: () => blockage.begin(),
    thaw: () => blockage.end(),
  }

  test.each([stopped, blocked])(
    '$name: the other takes over, nothing is sent twice, and late outcomes correct the status',
    async ({ freeze, thaw }) => {
      const running = await start({ workers: 1, env: SETTINGS })
      const victim = await running.startWorker({}, blockage.execArgv)
      const load = new Load(running)
      const loading = load.run({ count: 300, overMs: 2_500, seconds: [1, 4] })
      await running.receiver.waitFor(
        (requests) => requests.length >= 50 && running.openRequests.length >= 10,
        15_000,
      )
      freeze(victim)
      await loading
      await atRest(running)
      const meanwhile = await judgeAtRest(running, load)
      expect(meanwhile.flaws).toEqual(FLAWLESS)
      expect(meanwhile.unknown.length).toBeGreaterThan(0)

      thaw(victim)
      await eventually(
        async () => expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] }),
        { timeoutMs: 15_000 },
      )
      expect(load.acknowledged).toHaveLength(300)
      expect(victim.exit).toBeUndefined()
    },
    60_000,
  )
})
