import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptResult, DueTimer } from '@timers/core'
import { eventually } from '@timers/lab'
import { Worker } from 'bullmq'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { delivered, draft, fired, Rig, unknown } from './rig.ts'

/** What the worker does, without HTTP: `send` stands for the request. */
const firing =
  (send: (due: DueTimer) => Promise<AttemptResult> | AttemptResult = () => delivered()) =>
  async (due: DueTimer): Promise<void> => {
    const claim = await due.claim()
    switch (claim.kind) {
      case 'granted':
        await due.settle(claim.attempt, await send(due), fired)
        return
      case 'taken':
        await due.settle(claim.attempt, { outcome: 'interrupted', sentAt: claim.claimedAt }, unknown)
        return
      case 'finished':
        return due.rest()
      case 'early':
        return due.defer(claim.at)
      case 'lost':
        return
    }
  }

/** A gate: those who wait at it go on when it opens. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

const HOUR = 3_600_000
/** What the design promises for the timers of a lost worker, and some for a slow machine. */
const RECOVERY = { timeoutMs: 20_000 }

describe('the timer consumer', () => {
  let rig: Rig
  let store: RedisTimerStore

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  beforeEach(async () => {
    store = await rig.store()
  })
  afterEach(() => rig.reset())

  const schedule = (count: number, delayMs = 1) =>
    Promise.all(Array.from({ length: count }, () => store.create(draft(delayMs))))
  const statuses = async (timers: readonly { id: number }[]) =>
    Promise.all(timers.map(async ({ id }) => (await store.find(id))?.status))
  const allFired = (timers: readonly { id: number }[], options = {}) =>
    eventually(async () => expect(new Set(await statuses(timers))).toEqual(new Set(['fired'])), options)

  test('fires what is overdue when it starts, each once', async () => {
    const timers = await schedule(50)
    const seen: number[] = []
    await rig.consumer({
      handle: firing(({ timer }) => {
        seen.push(timer.id)
        return delivered()
      }),
    })
    await allFired(timers)
    expect(seen.toSorted((a, b) => a - b)).toEqual(timers.map(({ id }) => id).toSorted((a, b) => a - b))
    await eventually(async () => expect(await rig.client.zcard(rig.keys().key('completed'))).toBe(50))
    expect(await rig.client.keys('*:lock')).toEqual([])
  })

  test('waits for a Redis that comes only after the start', async () => {
    const timers = await schedule(3)
    await rig.redis.kill()
    const consumer = rig.newConsumer({ handle: firing() })
    const started = consumer.start()
    expect(consumer.health().ready).toBe(false)
    await rig.redis.restart()
    await started
    await allFired(timers, { timeoutMs: 10_000 })
  })

  test('fires the timers of all shards', async () => {
    await rig.reset()
    store = await rig.store({ shards: 3 })
    const timers = await schedule(12)
    await rig.consumer({ shards: 3, handle: firing() })
    await allFired(timers)
  })

  test('never hands a timer over early, not by a millisecond', async () => {
    const early: number[] = []
    await rig.consumer({
      concurrency: 50,
      handle: firing(({ timer }) => {
        if (Date.now() < timer.dueAt) early.push(timer.id)
        return delivered()
      }),
    })
    const delays = Array.from({ length: 200 }, (_, index) => 1 + ((index * 37) % 1_000))
    const timers = await Promise.all(delays.map((delayMs) => store.create(draft(delayMs))))
    await allFired(timers)
    expect(early).toEqual([])
  })

  test('never hands a timer over early, also when someone promoted it by hand', async () => {
    const handedOver: [number, number][] = []
    await rig.consumer({
      handle: firing(({ timer }) => {
        handedOver.push([timer.id, Date.now()])
        return delivered()
      }),
    })
    const queue = rig.queue()
    const soon = await store.create(draft(1_500))
    const later = await store.create(draft(HOUR))
    for (const { id } of [soon, later]) await (await queue.getJob(`t${id}`))?.promote()
    await allFired([soon])
    expect(handedOver).toHaveLength(1)
    expect(handedOver[0]?.[0]).toBe(soon.id)
    expect(handedOver[0]?.[1]).toBeGreaterThanOrEqual(soon.dueAt)
    expect(await rig.places(later.id)).toEqual(['delayed'])
    expect(await store.find(later.id)).toMatchObject({ status: 'pending', attempts: 0, dueAt: later.dueAt })
  })

  describe('takes over within 15 s', () => {
    test('what a worker that is gone held: fired if it was not claimed, unknown if it was', async () => {
      const [one, other] = await schedule(2)
      const unclaimed = await rig.take(6_000)
      const claimed = await rig.take(6_000)
      await claimed.due.claim()
      expect([unclaimed.due.timer.id, claimed.due.timer.id].toSorted()).toEqual(
        [one?.id, other?.id].toSorted(),
      )
      const sent: number[] = []
      await rig.consumer({
        handle: firing(({ timer }) => {
          sent.push(timer.id)
          return delivered()
        }),
      })
      await eventually(
        async () =>
          expect(await statuses([unclaimed.due.timer, claimed.due.timer])).toEqual(['fired', 'unknown']),
        RECOVERY,
      )
      expect(sent).toEqual([unclaimed.due.timer.id])
      // Said by the one that looks for lost ones, who need not be the one that took them.
      await eventually(() => expect(rig.heard(/taking over a timer whose worker was lost/)).toBeDefined())
      // The lost worker comes back with what it knows.
      await claimed.due.settle(1, delivered(), fired)
      await eventually(async () => expect(await rig.places(claimed.due.timer.id)).toEqual(['completed']))
    })

    test('what its own handler threw at, or could not put back: neither lost nor failed', async () => {
      const thrown = await store.create(draft(1))
      const stuck = await store.create(draft(1))
      const first = new Set<number>()
      await rig.consumer({
        handle: async (due) => {
          const { id } = due.timer
          if (first.has(id)) return firing()(due)
          first.add(id)
          if (id === thrown.id) throw new Error('a bug')
          // No time at all: the script fails, and waiting would not help.
          return due.defer(Number.NaN)
        },
      })
      await eventually(() => expect(first.size).toBe(2))
      await eventually(() =>
        expect(rig.said.filter(({ message }) => /could not be handled/.test(message))).toHaveLength(2),
      )
      expect(rig.heard(/could not be handled/)?.level).toBe('error')
      expect(await statuses([thrown, stuck])).toEqual(['pending', 'pending'])
      expect([await rig.places(thrown.id), await rig.places(stuck.id)]).toEqual([['active'], ['active']])
      await allFired([thrown, stuck], RECOVERY)
    })
  })

  test('more shards than hands: was more in hand than allowed, and is refused', () => {
    const newConsumer = () => rig.newConsumer({ shards: 5, concurrency: 4, handle: firing() })
    expect(newConsumer).toThrow('4 hands are too few for 5 shards')
  })

  test('a timer that was fetched just as its place was given away was in nobody’s hands until its lock ran out', async () => {
    const timers = await schedule(600)
    const takenOver: number[] = []
    await rig.consumer({
      concurrency: 400,
      handle: async (due) => {
        if (due.takenOver) takenOver.push(due.timer.id)
        // A hand that waits gives its place away 100 ms after its claim.
        await firing(async ({ timer }) => {
          await sleep(92 + (timer.id % 16))
          return delivered()
        })(due)
      },
    })
    await allFired(timers, RECOVERY)
    expect(takenOver).toEqual([])
  })

  test('a defect of ours kept a hand for ever, trying again', async () => {
    const { id } = await store.create(draft(1))
    const consumer = await rig.consumer({
      concurrency: 1,
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted') return
        // A field that is no text: every write of the log fails, and will.
        await rig.client.del(rig.keys().key('completed'))
        await rig.client.set(rig.keys().key('completed'), 'not a sorted set')
        await due.settle(claim.attempt, delivered(), fired)
      },
    })
    await eventually(() =>
      expect(rig.heard(/could not be handled/)).toMatchObject({
        level: 'error',
        fields: { timerId: id, err: { message: expect.stringMatching(/WRONGTYPE/) } },
      }),
    )
    await eventually(() => expect(consumer.inFlight).toBe(0))
  })

  test('uses all its hands and no more, also where their number does not divide evenly', async () => {
    const { passed, open } = gate()
    const timers = await schedule(30)
    let most = 0
    const consumer = await rig.consumer({
      concurrency: 6,
      handle: firing(async () => {
        most = Math.max(most, consumer.inFlight)
        await passed
        return delivered()
      }),
    })
    await eventually(() => expect(consumer.inFlight).toBe(6))
    open()
    await allFired(timers)
    expect(most).toBe(6)
    await eventually(() => expect(consumer.inFlight).toBe(0))
  })

  test('a retry is put back and comes again when it is due', async () => {
    const { id } = await store.create(draft(1))
    const attempts: number[] = []
    let plannedFor = 0
    await rig.consumer({
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted') throw new Error(`not granted but ${claim.kind}`)
        attempts.push(Date.now())
        if (claim.attempt === 2) return void due.settle(2, delivered(), fired)
        plannedFor = Date.now() + 300
        const result: AttemptResult = { outcome: 'never_sent', sentAt: Date.now(), reason: 'refused' }
        return void due.settle(1, result, { kind: 'retry', at: plannedFor })
      },
    })
    await allFired([{ id }])
    expect(attempts).toHaveLength(2)
    expect(attempts[1]).toBeGreaterThanOrEqual(plannedFor)
    expect(await store.find(id)).toMatchObject({
      attempts: 2,
      log: [{ outcome: 'never_sent' }, { outcome: 'delivered' }],
    })
  })

  test('what is not fired goes to the failed set, with a reason and without a stack trace', async () => {
    const { id } = await store.create(draft(1))
    await rig.consumer({
      handle: async (due) => {
        await due.claim()
        const result: AttemptResult = { outcome: 'rejected', sentAt: Date.now(), responseStatus: 404 }
        return void due.settle(1, result, { kind: 'final', status: 'failed' })
      },
    })
    await eventually(async () => expect(await rig.places(id)).toEqual(['failed']))
    const hash = await rig.hash(id)
    expect(hash.failedReason).toBe('failed: rejected: status 404')
    expect(hash.stacktrace).toBeUndefined()
  })

  describe('stop', () => {
    test('waits for what is in hand, and takes nothing new', async () => {
      const { passed, open } = gate()
      const timers = await schedule(3)
      const consumer = await rig.consumer({
        concurrency: 1,
        handle: firing(async () => {
          await passed
          return delivered()
        }),
      })
      await eventually(() => expect(consumer.inFlight).toBe(1))
      let stopped = false
      const stopping = consumer.stop().then(() => {
        stopped = true
      })
      // A timer that another consumer fires: time enough for a stop that does not wait.
      const other = await rig.consumer({ handle: firing() })
      await eventually(async () =>
        expect((await statuses(timers)).filter((status) => status === 'fired')).toHaveLength(2),
      )
      expect(stopped).toBe(false)
      open()
      await stopping
      await allFired(timers)
      await other.stop()
    })

    test('returns with empty hands although Redis is away, and nothing of it goes on: its process did not end', async () => {
      // Those that keep a process alive.
      const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
      const before = timers()
      const consumer = await rig.consumer({ handle: firing() })
      await allFired(await schedule(1))
      await rig.redis.kill()
      try {
        await consumer.stop()
      } finally {
        await rig.redis.restart()
      }
      const [timer] = await schedule(1).catch(() => eventually(() => schedule(1)))
      await eventually(async () => expect(await rig.client.client('LIST')).toContain('timers-reader'))
      expect(await rig.client.client('LIST')).not.toContain('name=timers-worker')
      await eventually(() => expect(timers()).toBeLessThanOrEqual(before))
      expect(await statuses([{ id: timer?.id ?? 0 }])).toEqual(['pending'])
    })

    test('before the start came about: never starts', async () => {
      await rig.redis.kill()
      const seen: number[] = []
      const consumer = rig.newConsumer({
        handle: async ({ timer }) => {
          seen.push(timer.id)
        },
      })
      void consumer.start()
      await consumer.stop()
      await rig.redis.restart()
      const timers = await eventually(() => schedule(1))
      const other = await rig.consumer({ handle: firing() })
      await allFired(timers)
      await other.stop()
      expect(seen).toEqual([])
    })
  })

  test('an outcome is written over a kill -9 of Redis', async () => {
    const timers = await schedule(4)
    const { passed, open } = gate()
    const consumer = await rig.consumer({
      handle: firing(async () => {
        await passed
        return delivered()
      }),
    })
    await eventually(() => expect(consumer.inFlight).toBe(4))
    await rig.redis.kill()
    open()
    await rig.redis.restart()
    await allFired(timers, RECOVERY)
    for (const { id } of timers) expect(await store.find(id)).toMatchObject({ attempts: 1 })
  })

  test('out of memory: what is due fires all the same, and comes to rest where it belongs', async () => {
    const timers = await schedule(40, 400)
    await rig.redis.command('CONFIG', 'SET', 'maxmemory', '1')
    try {
      await expect(store.create(draft(60_000))).rejects.toMatchObject({ code: 'STORE_REFUSED' })
      await rig.consumer({ handle: firing() })
      await allFired(timers)
      for (const { id } of timers) {
        await eventually(async () => expect(await rig.places(id)).toEqual(['completed']))
      }
    } finally {
      await rig.redis.command('CONFIG', 'SET', 'maxmemory', '0')
    }
  })

  test('an outcome is written as soon as Redis takes writes again', async () => {
    const { id } = await store.create(draft(1))
    try {
      await rig.consumer({
        handle: firing(async () => {
          // Every write is refused: there is no replica.
          await rig.redis.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
          return delivered()
        }),
      })
      await eventually(() =>
        expect(rig.heard(/redis refuses, trying on/)?.fields).toMatchObject({ step: 'settle' }),
      )
      expect((await store.find(id))?.status).toBe('firing')
    } finally {
      await rig.redis.command('CONFIG', 'SET', 'min-replicas-to-write', '0')
    }
    await eventually(async () => expect((await store.find(id))?.status).toBe('fired'))
    expect(rig.said.filter(({ level, message }) => level === 'warn' && /refuses/.test(message))).toHaveLength(
      1,
    )
  })

  test('an outcome is written also where the lock was lost by the time the job is finished', async () => {
    const { id } = await store.create(draft(1))
    await rig.consumer({
      handle: firing(async () => {
        await rig.client.del(rig.keys().key(`t${id}:lock`))
        return delivered(7)
      }),
    })
    await eventually(async () => expect(await store.find(id)).toMatchObject({ status: 'fired', firedAt: 7 }))
    await eventually(async () => expect(await rig.places(id)).toEqual(['completed']), RECOVERY)
    expect(await store.find(id)).toMatchObject({
      status: 'fired',
      attempts: 1,
      log: [{ outcome: 'delivered' }],
    })
  })

  test('finished timers are removed when their retention is over, and then there is no such timer', async () => {
    const timers = await schedule(120)
    await rig.consumer({
      // A second.
      retentionDays: 1 / 86_400,
      concurrency: 50,
      handle: async (due) => {
        await due.claim()
        const odd = due.timer.id % 2 === 1
        const failed: AttemptResult = { outcome: 'blocked', sentAt: Date.now() }
        await (odd
          ? due.settle(1, delivered(), fired)
          : due.settle(1, failed, { kind: 'final', status: 'failed' }))
      },
    })
    await eventually(async () => expect(new Set(await statuses(timers))).toEqual(new Set([undefined])), {
      timeoutMs: 10_000,
    })
    expect(await rig.client.keys('*:t*')).toEqual([])
    // Said at the end of a sweep, after the last timer has gone.
    await eventually(() => expect(rig.heard(/past their retention removed/)).toBeDefined())
  })

  describe('the watchdog', () => {
    test('starts a consumer anew whose Workers have silently stopped', async () => {
      // The test's own hand on BullMQ: Workers that stop without telling anyone, as they did in its issue 4479.
      const workers: Worker[] = []
      const run = Worker.prototype.run
      Worker.prototype.run = function (this: Worker) {
        workers.push(this)
        return run.call(this)
      }
      try {
        await rig.consumer({ stuckAfterMs: 1_000, handle: firing() })
        await allFired(await schedule(1))
        await Promise.all(workers.map((worker) => worker.pause(true)))
        const timers = await schedule(5)
        await allFired(timers, { timeoutMs: 10_000 })
        expect(rig.heard(/restarting the consumer/)).toBeDefined()
      } finally {
        Worker.prototype.run = run
      }
    })

    test('names what BullMQ complains of, which was logged at debug only', async () => {
      await rig.consumer({ stuckAfterMs: 1_000, handle: firing() })
      await allFired(await schedule(1))
      await rig.redis.command('ACL', 'SETUSER', 'default', '-bzpopmin')
      try {
        // Those that wait already are not asked again.
        await rig.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        const timers = await eventually(() => schedule(1))
        await eventually(
          () =>
            // It may have looked before BullMQ had anything to complain of.
            expect(rig.said).toContainEqual({
              level: 'error',
              message: expect.stringMatching(/restarting the consumer/),
              fields: expect.objectContaining({ cause: expect.stringMatching(/NOPERM.*bzpopmin/) }),
            }),
          { timeoutMs: 10_000 },
        )
        const complaints = rig.said.filter(({ message }) => /timers may not be taken/.test(message))
        expect(complaints[0]).toMatchObject({ level: 'error', fields: { error: 'ReplyError' } })
        // Not once a try: again only after a timer was taken in between.
        expect(complaints.length).toBeLessThanOrEqual(3)
        await rig.redis.command('ACL', 'SETUSER', 'default', '+bzpopmin')
        await allFired(timers, { timeoutMs: 10_000 })
      } finally {
        await rig.redis.command('ACL', 'SETUSER', 'default', '+bzpopmin')
      }
    })

    test('lets a queue be that an operator has paused, and says so', async () => {
      // More than a busy machine takes from the end of the pause to the first fetch.
      await rig.consumer({ stuckAfterMs: 2_000, handle: firing() })
      const queue = rig.queue()
      await queue.pause()
      const timers = await schedule(1)
      await eventually(() => expect(rig.heard(/queue is paused/)).toBeDefined())
      expect(await statuses(timers)).toEqual(['pending'])
      await queue.resume()
      await allFired(timers)
      expect(rig.heard(/restarting the consumer/)).toBeUndefined()
    })

    test('lets a consumer be whose hands are all busy', async () => {
      const { passed, open } = gate()
      const timers = await schedule(8)
      const consumer = await rig.consumer({
        concurrency: 3,
        stuckAfterMs: 100,
        handle: firing(async () => {
          await passed
          return delivered()
        }),
      })
      await eventually(() => expect(consumer.inFlight).toBe(3))
      await eventually(() => expect(consumer.census()?.overdue).toBe(5))
      const { restarts } = consumer
      // Many looks later.
      for (let looks = 0; looks < 10; looks += 1) await sleep(50)
      expect(consumer.restarts).toBe(restarts)
      expect(consumer.inFlight).toBe(3)
      open()
      await allFired(timers)
    })
  })
})
