import { figure } from '../figure.ts'
import { measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { TimerSeeder } from '../timer-seeder.ts'
import { fireBurst } from '../timers-burst.ts'

/**
 * How late timers of a burst are, by the number of worker processes. The reference is the time in which one worker
 * process fires as many, taken from a burst of its own in the same repeat.
 */
export const bursts = measure('bursts', async ({ scale, install, use, repeat }) => {
  const installation = await install()
  const receiver = await use(Receiver.start())
  const seeder = await use(TimerSeeder.start(installation.redis.url))
  const worker = await installation.startWorker()
  const burst = (count: number) => fireBurst({ installation, seeder, receiver, worker }, count)
  if (scale.warmUp > 0) await burst(scale.warmUp)
  const repeated = async () => {
    const reference = await burst(scale.burst)
    const one = await burst(scale.burst)
    const second = await installation.startWorker()
    if (scale.warmUp > 0) await burst(scale.warmUp)
    const two = await burst(scale.burst)
    await second.kill()
    return { reference, one, two }
  }
  const results = await repeat(
    repeated,
    ({ one, two }) =>
      `first ${one.firstMs} ms, p99 ${one.p99Ms} ms with one worker, ${two.p99Ms} ms with two`,
  )
  const drainMs = results.map(({ reference }) => (scale.burst / reference.perSecond) * 1_000)
  const lateness = (what: string, name: 'one' | 'two') =>
    figure({
      what,
      unit: 'ms',
      values: results.map((result) => result[name].p99Ms),
      reference: { what: 'burst / fires a second', values: drainMs },
      goal: { on: 'ratio', atMost: 1.2 },
    })
  return {
    figures: [
      figure({
        what: 'first fire of a burst, after due',
        unit: 'ms',
        values: results.flatMap(({ reference, one }) => [reference.firstMs, one.firstMs]),
        goal: { on: 'value', atMost: 10 },
      }),
      lateness('lateness p99 of a burst, 1 worker process', 'one'),
      lateness('lateness p99 of a burst, 2 worker processes', 'two'),
    ],
    details: results,
  }
})
