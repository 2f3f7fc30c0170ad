import { jobIdOf, timerIdOf } from '../src/shards/shard-keys.ts'
import { contentsOf, flawsOf } from './invariants.ts'
import { Clients } from './life-clients.ts'
import type { Expected } from './life-model.ts'
import { Workers } from './life-workers.ts'
import { type Step, World } from './life-world.ts'
import type { Rig } from './rig.ts'

const isRedrivable = ({ status }: Expected): boolean => status === 'failed' || status === 'unknown'

/** Clients and workers that do anything to the timers of one Redis, and the model of what must come of it. */
export class Actors {
  readonly #world: World
  readonly #clients: Clients
  readonly #workers: Workers

  constructor(rig: Rig) {
    this.#world = new World(rig)
    this.#clients = new Clients(this.#world)
    this.#workers = new Workers(this.#world)
  }

  close(): Promise<void> {
    return this.#workers.close()
  }

  async play(step: Step): Promise<void> {
    const [clients, workers] = [this.#clients, this.#workers]
    switch (step.do) {
      case 'create':
        return clients.create(step)
      case 'upsert':
        return clients.upsert(step)
      case 'change':
        return clients.change(step)
      case 'cancel':
        return clients.cancel(this.#world.timer(step.of))
      case 'redrive':
        return clients.redrive(this.#redrivable(step.of), step.keyed)
      case 'hand on a key':
        return this.#handOn(step)
      case 'resolve':
        return clients.resolve(this.#world.timer(step.of), step.as)
      case 'send again':
        return this.#sendAgain(step.of)
      case 'take':
        return workers.take(`worker-${step.worker}`)
      case 'work':
        await workers.take(`worker-${step.worker}`)
        return workers.withHand(0, workers.claim)
      case 'claim':
        // Most of all those who have not asked; then those who send it again.
        return workers.withHand(
          step.of,
          workers.claim,
          ({ granted, told }) => !told && (granted === undefined || step.of > 6),
        )
      case 'rest':
        return workers.withHand(step.of, workers.rest)
      case 'defer':
        return workers.withHand(step.of, (hand, timer) => workers.defer(hand, timer, step))
      case 'settle':
        return workers.withHand(
          step.of,
          (hand, timer) => workers.settle(hand, timer, step),
          ({ granted, found, told }) => !told && (granted ?? found) !== undefined,
        )
      case 'give up':
        return workers.giveUp(step.of)
      case 'lose':
        return workers.lose(this.#world.timer(step.of))
      case 'look for lost ones':
        return workers.lookForLost()
      case 'sweep':
        return workers.sweep()
    }
  }

  /** A timer is changed by its key and cancelled, an older one is redriven, and the change comes once more. */
  async #handOn({ key, keep }: Extract<Step, { do: 'hand on a key' }>): Promise<void> {
    const { life } = this.#world
    await this.#clients.upsert({ do: 'upsert', key, keep, late: true, labels: '' })
    const sent = this.#world.sent.length
    await this.#clients.cancel(life.withKey(`key-${key}`))
    await this.#clients.redrive(
      [...life.timers.values()].find(
        (timer) => !timer.gone && timer.key === `key-${key}` && isRedrivable(timer),
      ),
      false,
    )
    await this.#sendAgain(this.#world.sent.length - sent)
  }

  /** Most often one that can be redriven, if there is one. */
  #redrivable(of: number): Expected | undefined {
    return (of > 1 ? this.#world.timer(of, isRedrivable) : undefined) ?? this.#world.timer(of)
  }

  /** What was done is not done again, whatever has come between: Redis stays as it is. */
  async #sendAgain(of: number): Promise<void> {
    const { client } = this.#world.rig
    const before = await contentsOf(client)
    await this.#world.sent.at(-1 - of)?.()
    expect(await contentsOf(client)).toEqual(before)
  }

  /** All that must be true between two commands. */
  async check(): Promise<void> {
    const { client } = this.#world.rig
    expect(await flawsOf(client, this.#world.rig.keys())).toEqual([])
    for (const jobId of await client.zrange(this.#world.rig.keys().key('outbox'), 0, '-1')) {
      const id = timerIdOf(jobId)
      if (this.#world.life.timers.has(id)) continue
      const hash = await this.#world.rig.hash(id)
      this.#world.life.add({
        id,
        mode: 'at_least_once',
        payload: undefined,
        dueAt: Number(hash.du),
        callback: true,
      })
    }
    for (const [key, id] of this.#world.life.keys) {
      if (this.#world.life.timers.get(id)?.gone) continue
      expect(await client.get(this.#world.rig.keys().key(`k::${key}`))).toBe(jobIdOf(id))
    }
    const timers = [...this.#world.life.timers.values()]
    expect(timers.filter(({ callback }) => callback)).toHaveLength(this.#world.life.announced)
    const records = await Promise.all(timers.map(({ id }) => this.#world.rig.hash(id)))
    for (const [at, timer] of timers.entries()) {
      const hash = records[at] ?? {}
      const isThere = hash.data !== undefined
      if (timer.callback && timer.status === 'fired' && !isThere) timer.gone = true
      expect({ id: timer.id, gone: !isThere }).toEqual({ id: timer.id, gone: timer.gone })
      if (timer.gone) continue
      const firing = hash.st === undefined && Number.parseInt(hash.ca ?? '0', 10) === Number(hash.an ?? 0) + 1
      expect({ id: timer.id, status: hash.st ?? (firing ? 'firing' : 'pending') }).toEqual({
        id: timer.id,
        status: timer.status,
      })
      expect({ id: timer.id, due: Number(hash.du) }).toEqual({ id: timer.id, due: timer.dueAt })
    }
  }
}
