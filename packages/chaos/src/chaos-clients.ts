import { setTimeout as sleep } from 'node:timers/promises'
import { ChangingClients, type Creation, isUncertain, type Wish, wishLabel } from '@timers/lab'
import type { PlannedBatch, PlannedKey, PlannedPut, PlannedSweep } from './group-plan.ts'
import type { ChangeWish } from './life-plan.ts'
import { keyFor, type PlannedCreate, type PlannedRedrive } from './load-plan.ts'
import { all, TRY_AGAIN_AFTER_MS, tryAgain, until } from './trying.ts'

/** Where timers are sent to, and who is called back: the addresses to give to them. */
export interface Addresses {
  urlFor(create: PlannedCreate, key: string): string
  callbackFor(key: string): Wish['callback']
}

/** How many timers a client looks at for one that has failed, or whose end is unknown. */
const LOOKS = 8
/** Only timers that may have come to their end are looked at. */
const ENDED_AFTER_MS = 500
const ENDED_WITHIN_MS = 30_000

/** Clients that do all that one can do with timers, and try again where nothing was promised. None of it rejects. */
export class ChaosClients extends ChangingClients {
  /** After this nothing new is begun, epoch ms. */
  quitAt = Number.POSITIVE_INFINITY
  readonly #addresses: Addresses
  /** Of each timer, by the key in it. */
  readonly #urls = new Map<string, string>()

  constructor(nextApi: () => string, addresses: Addresses) {
    super(nextApi)
    this.#addresses = addresses
  }

  /** Creates one timer, and does with it what its life is to be. */
  async create(planned: PlannedCreate): Promise<void> {
    const { life } = planned
    const created = (life?.sameCreates ?? 0) > 0 ? this.#createOnce(planned) : this.#createAnew(planned)
    const creation = await created
    if (creation?.acknowledged === undefined || life === undefined) return
    const again = life.replayAfterMs
    await Promise.all([
      this.#live(planned, creation),
      again !== undefined && this.#replay(planned, creation.acknowledged.dueAt + again),
    ])
  }

  /** One key: timers are put off, or fire and are followed by others. */
  async playKey(planned: PlannedKey, create: PlannedCreate): Promise<void> {
    const key = keyFor(create, 0)
    const ownKey = `own.${key}`
    const wish = (version: number, seconds: number) => ({
      ...this.#wishOf({ ...create, seconds }, 0),
      labels: [wishLabel(key)],
      callback: this.#addresses.callbackFor(key),
      ownKey,
      version,
    })
    let version = 1
    let last = 0
    const note = ({ acknowledged }: Creation): void => {
      last = Math.max(last, acknowledged?.dueAt ?? 0)
    }
    const first = wish(version, create.seconds)
    for (const made of await all(planned.creates, () => this.ask(first))) note(made)
    for (const put of planned.puts) {
      await untilTimeOf(put, last)
      if (Date.now() > this.quitAt) return
      const puts = await all(put.clients, () => {
        version += 1
        return tryAgain(() => this.upsert(wish(version, put.seconds), put.mode), isUnanswered)
      })
      puts.forEach(note)
      if (put.looks) await this.look({ ownKey })
    }
    const target = { id: { ownKey }, key }
    if (planned.end === 'cancel') await tryAgain(() => this.cancel(target), isUncertain)
    if (planned.end === 'patch') {
      const content = { url: first.url, version: version + 1, durationMs: 1_000 }
      await tryAgain(() => this.patch(target, content), isUncertain)
    }
  }

  /** Many timers in one request, sent until each of them is answered; and cancelled by their label. */
  async playBatch(planned: PlannedBatch, creates: readonly PlannedCreate[]): Promise<void> {
    const { label, indexes, sends, cancelAfterMs, cancels, limit } = planned
    const wishes = indexes.map((index) => {
      const wish = this.#wishOf(creates[index] as PlannedCreate, 0)
      const { key } = wish
      return { ...wish, idempotencyKey: `once.${key}`, labels: [label, wishLabel(key)] }
    })
    const done = (): Set<string> => new Set(this.acknowledged.map(({ key }) => key))
    for (const waitMs of [...TRY_AGAIN_AFTER_MS, 0]) {
      await all(sends, () => this.batch(wishes))
      const known = done()
      if (wishes.every(({ key }) => known.has(key))) break
      await sleep(waitMs)
    }
    if (cancelAfterMs === undefined) return
    await sleep(cancelAfterMs)
    await all(cancels, () =>
      tryAgain(
        () => this.sweep('cancel', label, limit),
        ({ complete }) => !complete,
      ),
    )
  }

  async playSweep({ label, perSecond }: PlannedSweep): Promise<void> {
    await this.sweep('redrive', label, 5, perSecond)
  }

  /**
   * Looks for a timer that has failed, or whose end is unknown, and wants it to be sent again, or to be called what it is:
   * as many clients as planned at the same time, `beside` something that is done meanwhile.
   */
  async redriveOne(
    { clients, dice, isKeyed, isResolved }: PlannedRedrive,
    isDone: (key: string) => boolean,
    beside: () => Promise<void>,
  ): Promise<void> {
    const now = Date.now()
    const ended = this.acknowledged.filter(({ key, acknowledged }) => {
      const agoMs = now - (acknowledged?.dueAt ?? now)
      return agoMs > ENDED_AFTER_MS && agoMs < ENDED_WITHIN_MS && !isDone(key)
    })
    for (let looks = 0; looks < Math.min(LOOKS, ended.length); looks += 1) {
      const { acknowledged, key = '' } = ended[(Math.floor(dice * ended.length) + looks) % ended.length] ?? {}
      const id = acknowledged?.id ?? 0
      const view = await this.look(id)
      if (view?.status !== 'failed' && view?.status !== 'unknown') continue
      const resolves = isResolved && view.status === 'unknown'
      const idempotencyKey = isKeyed ? `redrive.${key}.${now}` : undefined
      const ask = async (nth: number): Promise<unknown> =>
        resolves
          ? this.resolve({ id, key }, nth % 2 === 0 ? 'fired' : 'failed')
          : this.redrive(id, idempotencyKey)
      await Promise.all([beside(), all(clients, ask)])
      // The same request once more, when its answer may have been long since.
      if (idempotencyKey !== undefined && !resolves) await this.redrive(id, idempotencyKey)
      return
    }
  }

  /** New tries are new timers. */
  async #createAnew(planned: PlannedCreate): Promise<Creation> {
    let tries = 0
    return tryAgain(
      () => {
        tries += 1
        return this.ask(this.#wishOf(planned, tries - 1))
      },
      ({ acknowledged }) => acknowledged === undefined,
    )
  }

  /** However often it is tried, and by how many, it is one timer. */
  async #createOnce(planned: PlannedCreate): Promise<Creation | undefined> {
    const made = await all(planned.life?.sameCreates ?? 1, () =>
      tryAgain(() => this.ask(this.#onceOf(planned)), isUnanswered),
    )
    return made.find(({ acknowledged }) => acknowledged !== undefined)
  }

  async #replay(planned: PlannedCreate, at: number): Promise<void> {
    if (at > this.quitAt) return
    await until(at)
    await this.ask(this.#onceOf(planned))
  }

  /** The steps of a life, each at its time as it is known then. */
  async #live({ life }: PlannedCreate, { key, acknowledged }: Creation): Promise<void> {
    const target = { id: acknowledged?.id ?? 0, key }
    const url = this.#urls.get(key) ?? ''
    let dueAt = acknowledged?.dueAt ?? 0
    let version = 1
    for (const { fromDueMs, wishes } of life?.steps ?? []) {
      if (dueAt + fromDueMs > this.quitAt) return
      await until(dueAt + fromDueMs)
      const changes = await Promise.all(
        wishes.map((wish, nth) => {
          version += 1
          return this.#change(target, wish, { url, version }, `fire.${key}.${version - nth}`)
        }),
      )
      for (const { told } of changes) dueAt = told?.dueAt ?? dueAt
    }
  }

  #change(
    target: { readonly id: number; readonly key: string },
    { kind, seconds, asInstant, isKeyed }: ChangeWish,
    content: { readonly url: string; readonly version: number },
    fireKey: string,
  ) {
    const { url, version } = content
    const time = () => (asInstant ? { at: Date.now() + seconds * 1_000 } : { durationMs: seconds * 1_000 })
    const ask = () => {
      switch (kind) {
        case 'cancel':
          return this.cancel(target)
        case 'fire':
          return this.fire(target, isKeyed ? fireKey : undefined)
        case 'content':
          return this.patch(target, { url, version })
        case 'time':
          return this.patch(target, { url, ...time() })
        case 'both':
          return this.patch(target, { url, version, ...time() })
      }
    }
    return tryAgain(ask, isUncertain)
  }

  #wishOf(planned: PlannedCreate, tries: number): Wish {
    const { life, seconds, mode, maxAttempts } = planned
    const key = keyFor(planned, tries)
    const url = this.#addresses.urlFor(planned, key)
    this.#urls.set(key, url)
    return {
      key,
      seconds,
      url,
      mode,
      maxAttempts,
      ...(life !== undefined && life.steps.length > 0 && { version: 1 }),
      ...(life?.expiresIn !== undefined && { expiresIn: life.expiresIn }),
      ...(life?.callback === true && { callback: this.#addresses.callbackFor(key) }),
      ...(life?.label !== undefined && { labels: [life.label] }),
    }
  }

  #onceOf(planned: PlannedCreate): Wish {
    const wish = this.#wishOf(planned, 0)
    const { key, labels = [] } = wish
    return { ...wish, idempotencyKey: `once.${key}`, labels: [...labels, wishLabel(key)] }
  }
}

/** Whether nobody knows if there is a timer. What was refused for a reason, is refused. */
function isUnanswered({ acknowledged, takenBy }: Creation): boolean {
  return acknowledged === undefined && takenBy === undefined
}

/** A time that nobody was told is now. */
async function untilTimeOf({ afterMs, fromDueMs }: PlannedPut, dueAt: number): Promise<void> {
  if (fromDueMs === undefined) await sleep(afterMs)
  else await until(dueAt + fromDueMs)
}
