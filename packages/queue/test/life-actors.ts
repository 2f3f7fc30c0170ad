import type { AttemptResult, Decision } from '@timers/core'
import { Worker } from 'bullmq'
import { jobIdOf, timerIdOf } from '../src/shards/shard-keys.ts'
import type { ChangeAnswer } from '../src/timers/client-commands.ts'
import { define, loadScript } from '../src/timers/scripts.ts'
import type { StoredChange } from '../src/timers/stored-timer.ts'
import { flawsOf } from './invariants.ts'
import { type Expected, isFinal, Life, type Played } from './life-model.ts'
import { delivered, type Rig } from './rig.ts'

const HOUR = 3_600_000
const ENDS = ['fired', 'failed', 'unknown', 'cancelled', 'expired']
const CALLBACK = JSON.stringify({ u: 'http://127.0.0.1:1/told', o: ENDS })
const interrupted: AttemptResult = { outcome: 'interrupted', sentAt: 1, reason: 'lost' }

/** What may be done, with small numbers that choose among what there is. */
export type Step =
  | {
      do: 'create'
      key: number
      late: boolean
      again: boolean
      expires: boolean
      told: boolean
      labels: string
    }
  | { do: 'upsert'; key: number; late: boolean; keep: 'all' | 'due' | 'none'; labels: string }
  | { do: 'change'; of: number; to: 'past' | 'future' | 'same'; labels: string | undefined }
  | { do: 'cancel' | 'redrive'; of: number }
  | { do: 'resolve'; of: number; as: 'fired' | 'failed' }
  | { do: 'send again'; of: number }
  | { do: 'take' | 'work'; worker: number }
  | { do: 'claim' | 'rest' | 'give up'; of: number }
  | { do: 'defer'; of: number; held: boolean; late: boolean }
  | {
      do: 'settle'
      of: number
      outcome: 'delivered' | 'rejected' | 'never sent' | 'ambiguous'
      late: boolean
    }
  | { do: 'lose'; of: number }
  | { do: 'look for lost ones' }
  | { do: 'sweep' }

/** Most often one of the last: it is what is done to one timer one after the other that matters. */
function recent<T>(things: readonly T[], of: number): T | undefined {
  return things[things.length - 1 - (of % Math.min(things.length, of < 6 ? 2 : 5))]
}

/** Clients and workers that do what they are told, to Redis and to the model, and compare what comes of it. */
export class Actors {
  readonly life = new Life()
  readonly #rig: Rig
  readonly #worker: Worker
  readonly #hands: Played[] = []
  readonly #sent: (() => Promise<void>)[] = []
  #ids = 0
  #words = 0

  constructor(rig: Rig) {
    this.#rig = rig
    this.#worker = new Worker(rig.keys().queueName, undefined, {
      connection: rig.client,
      prefix: rig.prefix,
      autorun: false,
      lockDuration: 60_000,
      skipVersionCheck: true,
    })
    this.#worker.on('error', () => {})
    define(rig.client, 'testSweep', 1, loadScript('sweep', 'places'))
  }

  close(): Promise<void> {
    return this.#worker.close(true)
  }

  async play(step: Step): Promise<void> {
    switch (step.do) {
      case 'create':
        return this.#create(step)
      case 'upsert':
        return this.#upsert(step)
      case 'change':
        return this.#change(step)
      case 'cancel':
        return this.#cancel(this.#timer(step.of))
      case 'redrive':
        return this.#redrive(this.#timer(step.of))
      case 'resolve':
        return this.#resolve(this.#timer(step.of), step.as)
      case 'send again':
        return recent(this.#sent, step.of)?.()
      case 'take':
        return this.#take(`worker-${step.worker}`)
      case 'work':
        await this.#take(`worker-${step.worker}`)
        return this.#withHand(0, this.#claim)
      case 'claim':
        // Most of all those who have not asked; then those who send it again.
        return this.#withHand(
          step.of,
          this.#claim,
          ({ granted, told }) => !told && (granted === undefined || step.of > 6),
        )
      case 'rest':
        return this.#withHand(step.of, this.#rest)
      case 'defer':
        return this.#withHand(step.of, (hand, timer) => this.#defer(hand, timer, step))
      case 'settle':
        return this.#withHand(
          step.of,
          (hand, timer) => this.#settle(hand, timer, step),
          ({ granted, found, told }) => !told && (granted ?? found) !== undefined,
        )
      case 'give up':
        return this.#giveUp(step.of)
      case 'lose':
        return this.#lose(this.#timer(step.of))
      case 'look for lost ones':
        return this.#lookForLost()
      case 'sweep':
        return this.#sweep()
    }
  }

  /** All that must be true between two commands. */
  async check(): Promise<void> {
    const { client } = this.#rig
    expect(await flawsOf(client, this.#rig.keys())).toEqual([])
    for (const jobId of await client.zrange(this.#rig.keys().key('outbox'), 0, '-1')) {
      const id = timerIdOf(jobId)
      if (this.life.timers.has(id)) continue
      const hash = await this.#rig.hash(id)
      this.life.add({ id, mode: 'at_least_once', payload: undefined, dueAt: Number(hash.du), callback: true })
    }
    for (const [key, id] of this.life.keys) {
      if (this.life.timers.get(id)?.gone) continue
      expect(await client.get(this.#rig.keys().key(`k::${key}`))).toBe(jobIdOf(id))
    }
    const timers = [...this.life.timers.values()]
    expect(timers.filter(({ callback }) => callback)).toHaveLength(this.life.announced)
    const records = await Promise.all(timers.map(({ id }) => this.#rig.hash(id)))
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

  #timer(of: number): Expected | undefined {
    const timers = [...this.life.timers.values()].filter(({ gone }) => !gone)
    return recent(timers, of)
  }

  async #withHand(
    of: number,
    act: (hand: Played, timer: Expected) => Promise<void>,
    isOne: (hand: Played) => boolean = () => true,
  ): Promise<void> {
    const hand = recent(this.#hands.filter(isOne), of)
    const timer = hand && this.life.timers.get(hand.id)
    if (hand !== undefined && timer !== undefined) await act.call(this, hand, timer)
  }

  /** A worker is lost after its claim, and another finds what it left. */
  async #giveUp(of: number): Promise<void> {
    const lost = recent(
      this.#hands.filter(
        ({ id, granted }) => granted !== undefined && this.life.timers.get(id)?.status === 'firing',
      ),
      of,
    )
    if (lost === undefined) return
    await this.#lose(this.life.timers.get(lost.id))
    await this.#lookForLost()
    await this.#take('finder')
    await this.#claim(
      this.#hands.at(-1) as Played,
      this.life.timers.get((this.#hands.at(-1) as Played).id) as Expected,
    )
  }

  #newWord(): string {
    this.#words += 1
    return `word${this.#words}`
  }

  #due(late: boolean): number {
    return late ? Date.now() + HOUR : Date.now() - 5_000
  }

  async #create(step: Extract<Step, { do: 'create' }>): Promise<void> {
    this.#ids = Number(await this.#rig.client.incr(this.#rig.keys().ids))
    const key = step.key === 0 ? undefined : `key-${step.key}`
    const payload = this.#newWord()
    const mode = step.again ? 'at_least_once' : 'at_most_once'
    const extras = {
      key: key ?? '',
      labels: step.labels,
      expires: step.expires ? '1' : '',
      callback: step.told ? CALLBACK : '',
    }
    const digest = this.#newWord()
    const timer = {
      id: this.#ids,
      data: JSON.stringify({ u: 'http://127.0.0.1:1/hook', b: payload, ...(step.again && { m: 1 }) }),
      createdAt: Date.now() - 10_000,
      dueAt: this.#due(step.late),
      owner: '',
      extras,
      idempotency: { digest, fingerprint: 'print' },
    }
    const holder = key === undefined ? undefined : this.life.withKey(key)
    const answer = await this.#rig.clients.create(timer)
    if (this.life.isUnfinished(holder)) return expect(answer).toEqual({ kind: 'key taken', id: holder.id })
    expect(answer).toEqual({ kind: 'stored' })
    const { id, dueAt, createdAt } = timer
    const expected = this.life.add({
      ...{ id, dueAt, mode, payload, key, told: step.told },
      expiresInMs: step.expires ? 1_000 : undefined,
    })
    this.#sent.push(async () => {
      if (expected.gone) return
      expect(await this.#rig.clients.create(timer)).toEqual({ kind: 'stored' })
      const fresh = Number(await this.#rig.client.incr(this.#rig.keys().ids))
      const again = { ...timer, id: fresh, createdAt: Date.now(), dueAt: Date.now() + 7 }
      expect(await this.#rig.clients.create(again)).toEqual({ kind: 'replay', id, createdAt, dueAt })
      const other = { ...again, idempotency: { digest, fingerprint: 'another' } }
      expect(await this.#rig.clients.create(other)).toEqual({ kind: 'reused' })
    })
  }

  async #upsert(step: Extract<Step, { do: 'upsert' }>): Promise<void> {
    this.#ids = Number(await this.#rig.client.incr(this.#rig.keys().ids))
    const key = `key-${step.key}`
    const [payload, nonce] = [this.#newWord(), this.#newWord()]
    const extras = { key, labels: step.labels, expires: '', callback: '' }
    const data = JSON.stringify({ u: 'http://127.0.0.1:1/hook', b: payload })
    const timer = {
      id: this.#ids,
      data,
      createdAt: Date.now() - 10_000,
      dueAt: this.#due(step.late),
      owner: '',
      extras,
    }
    const content = { d: data, l: step.labels, e: '', c: '' }
    const change = { all: { ...content, t: String(timer.dueAt) }, due: content, none: undefined }[step.keep]
    const send = () => this.#rig.clients.upsert(timer, nonce, change)

    const holder = this.life.withKey(key)
    const answer = await send()
    if (holder !== undefined && !holder.gone && holder.status === 'pending') {
      expect(answer).toMatchObject({ kind: 'changed', id: holder.id })
      if (step.keep === 'none') return
      this.life.change(holder, { payload, ...(step.keep === 'all' && { dueAt: timer.dueAt }) })
      Object.assign(holder, { told: false, expiresInMs: undefined })
      // Whoever has the key by now is left alone, unless so many changes came since that this one is forgotten.
      let changes = 0
      this.#sent.push(async () => {
        changes += 1
        if (changes > 1 || holder.gone || this.life.withKey(key)?.gone) return
        expect((await send()).kind).toBe('changed')
      })
      return
    }
    const previous =
      holder === undefined || holder.gone ? undefined : { id: holder.id, status: holder.status }
    expect(answer).toMatchObject({ kind: 'created', id: timer.id })
    expect(answer.kind === 'created' && answer.previous).toEqual(previous)
    const made = this.life.add({ id: timer.id, dueAt: timer.dueAt, mode: 'at_most_once', payload, key })
    this.#sent.push(async () => {
      if (made.gone) return
      expect(await send()).toMatchObject({ kind: 'created', id: made.id, previous })
    })
  }

  async #change(step: Extract<Step, { do: 'change' }>): Promise<void> {
    const timer = this.#timer(step.of)
    if (timer === undefined) return
    const payload = this.#newWord()
    const dueAt = step.to === 'same' ? undefined : this.#due(step.to === 'future')
    const change: StoredChange = {
      s: { b: payload },
      ...(dueAt !== undefined && { t: String(dueAt) }),
      ...(step.labels !== undefined && { l: step.labels }),
    }
    const nonce = this.#newWord()
    await this.#pendingOnly(
      timer,
      () => this.#rig.clients.change({ owner: '', id: timer.id }, nonce, change),
      () => this.life.change(timer, { payload, ...(dueAt !== undefined && { dueAt }) }),
    )
  }

  async #cancel(timer: Expected | undefined): Promise<void> {
    if (timer === undefined) return
    const send = () => this.#rig.clients.cancel({ owner: '', id: timer.id }, Date.now())
    if (timer.status === 'cancelled') {
      expect(await send()).toMatchObject({ kind: 'done', id: timer.id })
    } else await this.#pendingOnly(timer, send, () => this.life.cancel(timer))
  }

  async #pendingOnly(timer: Expected, send: () => Promise<ChangeAnswer>, change: () => void): Promise<void> {
    const { status, id } = timer
    const answer = await send()
    if (timer.callback) return expect(answer).toEqual({ kind: 'missing' })
    if (status === 'firing') return expect(answer).toEqual({ kind: 'firing', status })
    if (isFinal(status)) return expect(answer).toEqual({ kind: 'finished', status })
    expect(answer).toMatchObject({ kind: 'done', id })
    change()
    let times = 0
    // Remembered for 16 commands: a resend comes before that.
    this.#sent.push(async () => {
      times += 1
      if (times > 1 || timer.gone) return
      const again = await send()
      if (again.kind !== 'done' && again.kind !== 'again') expect(again).toMatchObject({ kind: 'finished' })
    })
  }

  async #redrive(timer: Expected | undefined): Promise<void> {
    if (timer === undefined) return
    const { status, id } = timer
    const nonce = this.#newWord()
    const at = Date.now()
    const holder = timer.key === undefined ? undefined : this.life.withKey(timer.key)
    const rests = await this.#rests(timer)
    const send = () => this.#rig.clients.redrive({ owner: '', id }, nonce, at)
    const answer = await send()
    if (status !== 'failed' && status !== 'unknown')
      return expect(answer).toEqual({ kind: 'refused', status })
    if (holder !== timer && this.life.isUnfinished(holder)) {
      return expect(answer).toEqual({ kind: 'taken', id: holder.id })
    }
    if (!rests) return expect(answer).toEqual({ kind: 'refused', status })
    expect(answer).toMatchObject({ kind: 'done', id })
    this.life.redrive(timer, at)
    this.#sent.push(async () => {
      if (!timer.gone) expect(await send()).toMatchObject({ kind: 'done', id })
    })
  }

  async #resolve(timer: Expected | undefined, as: 'fired' | 'failed'): Promise<void> {
    if (timer === undefined) return
    const { status, id } = timer
    const nonce = this.#newWord()
    const rests = await this.#rests(timer)
    const send = () =>
      this.#rig.clients.resolve({ owner: '', id }, nonce, Date.now(), as, JSON.stringify({ a: as, t: 1 }))
    const answer = await send()
    if (timer.callback) return expect(answer).toEqual({ kind: 'missing' })
    if (status !== 'unknown' || !rests) return expect(answer).toEqual({ kind: 'refused', status })
    expect(answer).toMatchObject({ kind: 'done', id })
    this.life.end(timer, as)
    timer.doubted = undefined
    this.#sent.push(async () => {
      if (!timer.gone) expect(await send()).toMatchObject({ kind: 'done', id })
    })
  }

  async #rests(timer: Expected): Promise<boolean> {
    const [place] = await this.#rig.places(timer.id)
    return place === 'completed' || place === 'failed'
  }

  async #take(token: string): Promise<void> {
    const job = await this.#worker.getNextJob(token, { block: false })
    if (job === undefined) return
    const id = timerIdOf(String(job.id))
    const due = await this.#rig.due(id, token)
    const hand: Played = { id, token, due, granted: undefined, found: undefined, told: false }
    this.#hands.push(hand)
    const timer = this.life.timers.get(id) as Expected
    // Whoever takes it has read what is to be sent, and may take it.
    if (!timer.callback) expect(due.timer.payload).toBe(timer.payload)
    timer.holder = hand
  }

  async #claim(hand: Played, timer: Expected): Promise<void> {
    if (hand.told || hand.due.timer.dueAt > Date.now()) return
    const expected = this.life.claims(timer, hand, Date.now())
    const claim = await hand.due.claim()
    const { kind } = claim
    expect(['granted', 'taken', 'expired', 'early'].includes(kind) ? kind : 'nothing').toBe(expected)
    if (claim.kind === 'granted') {
      // No request leaves after a change's answer but the new one.
      if (timer.status === 'pending' && !timer.callback) expect(hand.due.timer.payload).toBe(timer.payload)
      expect(hand.granted ?? claim.attempt).toBe(claim.attempt)
      hand.granted = claim.attempt
      this.life.grant(timer, hand)
    } else if (claim.kind === 'taken') hand.found = claim.attempt
    else if (claim.kind === 'expired') this.life.expire(timer)
  }

  async #rest(hand: Played, timer: Expected): Promise<void> {
    // A worker does this only where it was told that the timer has come to its end.
    if (!isFinal(timer.status)) return
    await hand.due.rest()
    if (timer.holder === hand) timer.holder = undefined
  }

  async #defer(
    hand: Played,
    timer: Expected,
    { held, late }: { readonly held: boolean; readonly late: boolean },
  ): Promise<void> {
    // A worker does not give back what it has claimed, or found claimed.
    if (hand.granted !== undefined || hand.found !== undefined || timer.status === 'firing') return
    if (held) await hand.due.defer(late ? Date.now() + HOUR : Date.now() - 1, 'receiver_limit')
    else await hand.due.defer(timer.nextAt ?? hand.due.timer.dueAt)
    if (timer.holder === hand) timer.holder = undefined
  }

  async #settle(
    hand: Played,
    timer: Expected,
    { outcome, late }: Extract<Step, { do: 'settle' }>,
  ): Promise<void> {
    const retry: Decision = { kind: 'retry', at: this.#due(late) }
    const attempt = hand.granted ?? hand.found
    if (attempt === undefined) return
    const [result, decision] = ((): [AttemptResult, Decision] => {
      const unknown: Decision = { kind: 'final', status: 'unknown' }
      if (hand.granted === undefined) return [interrupted, timer.mode === 'at_least_once' ? retry : unknown]
      switch (outcome) {
        case 'delivered':
          return [delivered(), { kind: 'final', status: 'fired' }]
        case 'rejected':
          return [
            { outcome: 'rejected', sentAt: 1, responseStatus: 404 },
            { kind: 'final', status: 'failed' },
          ]
        case 'never sent':
          return [{ outcome: 'never_sent', sentAt: 1, reason: 'refused' }, retry]
        case 'ambiguous':
          return [{ outcome: 'ambiguous', sentAt: 1, reason: 'cut' }, unknown]
      }
    })()
    const before = this.life.announced
    const settled = await hand.due.settle(attempt, result, decision)
    hand.told = true
    this.life.settle(timer, hand, attempt, result, decision)
    if (!timer.gone) expect(settled?.status).toBe(isFinal(timer.status) ? timer.status : undefined)
    this.#sent.push(async () => {
      const again = await hand.due.settle(attempt, result, decision)
      if (again !== undefined) expect(again.decided).toBe(false)
    })
    expect(this.life.announced - before).toBeLessThan(2)
  }

  /** The lock runs out. */
  async #lose(timer: Expected | undefined): Promise<void> {
    if (timer?.holder === undefined) return
    timer.holder = undefined
    await this.#rig.client.del(this.#rig.keys().key(`${jobIdOf(timer.id)}:lock`))
  }

  /** BullMQ's look for jobs without a lock. */
  async #lookForLost(): Promise<void> {
    const { key } = this.#rig.keys()
    for (const jobId of await this.#rig.client.lrange(key('active'), 0, -1)) {
      if ((await this.#rig.client.exists(key(`${jobId}:lock`))) === 0)
        await this.#rig.stall({ id: timerIdOf(jobId) })
    }
  }

  async #sweep(): Promise<void> {
    const timers = [...this.life.timers.values()]
    const gone = await Promise.all(timers.map(async (timer) => !timer.gone && (await this.#rests(timer))))
    const sweep = this.#rig.client as unknown as { testSweep(...args: (string | number)[]): Promise<unknown> }
    await sweep.testSweep(this.#rig.keys().key('finished'), Date.now() + HOUR, 1_000, 'finished')
    for (const [at, timer] of timers.entries()) if (gone[at]) timer.gone = true
  }
}
