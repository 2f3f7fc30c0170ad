import { jest } from '@jest/globals'
import { type Admission, type Log, originOf, type Pass } from '@timers/core'
import fc from 'fast-check'
import { ReceiverGate } from './receiver-gate.ts'

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
const HANDS = 40
const MAX_PER_ORIGIN = 4

/** What may happen: somebody enters, somebody leaves with whatever came of it, time passes. */
const event = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('enter'), host: fc.nat({ max: 30 }), port: fc.nat({ max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('leave'),
      which: fc.nat(),
      sent: fc.boolean(),
      answered: fc.option(fc.boolean(), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 1, max: 20_000 }) }) },
)

test('whatever happens: caps hold, every turn lies within a minute, every pass comes back, nothing is left over', async () => {
  jest.useFakeTimers({ now: 1_000_000 })
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 150 }), async (events) => {
        const gate = new ReceiverGate({ maxPerOrigin: MAX_PER_ORIGIN, hands: HANDS, log: SILENT })
        const held: { readonly origin: string; readonly pass: Pass }[] = []
        let parked = 0
        const settle = (origin: string, admission: Admission): void => {
          if (admission.kind === 'go') {
            held.push({ origin, pass: admission })
            return
          }
          const inMs = admission.until - Date.now()
          expect(inMs).toBeGreaterThanOrEqual(200)
          expect(inMs).toBeLessThanOrEqual(61_000)
        }
        const leaveAll = (): void => {
          for (const { pass } of held.splice(0)) pass.leave(true)
        }
        for (const happens of events) {
          if ('host' in happens) {
            const url = `http://h${happens.host}.example:${8_000 + happens.port}/hook`
            const admission = gate.enter(url)
            if (admission instanceof Promise) {
              parked += 1
              void admission.then((later) => {
                parked -= 1
                settle(originOf(url), later)
              })
            } else settle(originOf(url), admission)
          } else if ('which' in happens) {
            const [left] = held.length === 0 ? [] : held.splice(happens.which % held.length, 1)
            if (happens.sent) left?.pass.sending()
            left?.pass.leave(happens.answered)
          } else await jest.advanceTimersByTimeAsync(happens.ms)
          await jest.advanceTimersByTimeAsync(0)

          const perOrigin = new Map<string, number>()
          for (const { origin } of held) perOrigin.set(origin, (perOrigin.get(origin) ?? 0) + 1)
          expect(Math.max(0, ...perOrigin.values())).toBeLessThanOrEqual(MAX_PER_ORIGIN)
          expect(gate.newcomersInFlight).toBeLessThanOrEqual((HANDS * 3) / 4)
          expect(gate.inFlight).toBe(held.length)
        }
        for (let round = 0; round < 50 && held.length + parked > 0; round += 1) {
          leaveAll()
          await jest.advanceTimersByTimeAsync(1_000)
        }
        expect(parked).toBe(0)
        expect(gate).toMatchObject({ inFlight: 0, newcomersInFlight: 0 })
        await jest.advanceTimersByTimeAsync(3_700_000)
        expect(gate).toMatchObject({ receivers: 0, breakersOpen: 0 })
        gate.close()
      }),
      { numRuns: 100 },
    )
  } finally {
    jest.useRealTimers()
  }
}, 60_000)
