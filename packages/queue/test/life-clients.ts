import type { ChangeAnswer } from '../src/timers/client-commands.ts'
import type { StoredChange } from '../src/timers/stored-change.ts'
import { type Expected, isFinal } from './life-model.ts'
import { dueAtOf, type Step, type World } from './life-world.ts'

const ENDS = ['fired', 'failed', 'unknown', 'cancelled', 'expired']
const CALLBACK = JSON.stringify({ u: 'http://127.0.0.1:1/told', o: ENDS })

/** Clients that do what they are told, to Redis and to the model, and compare what comes of it. */
export class Clients {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  async create(step: Extract<Step, { do: 'create' }>): Promise<void> {
    const id = await this.#nextId()
    const key = step.key === 0 ? undefined : `key-${step.key}`
    const payload = this.#world.newWord()
    const mode = step.again ? 'at_least_once' : 'at_most_once'
    const extras = {
      key: key ?? '',
      labels: step.labels,
      expires: step.expires ? '1' : '',
      callback: step.told ? CALLBACK : '',
    }
    const digest = this.#world.newWord()
    const timer = {
      id,
      data: JSON.stringify({ u: 'http://127.0.0.1:1/hook', b: payload, ...(step.again && { m: 1 }) }),
      createdAt: Date.now() - 10_000,
      dueAt: dueAtOf(step.late),
      owner: '',
      extras,
      idempotency: { digest, fingerprint: 'print' },
    }
    const holder = key === undefined ? undefined : this.#world.life.withKey(key)
    const answer = await this.#world.rig.clients.create(timer)
    if (this.#world.life.isUnfinished(holder))
      return expect(answer).toEqual({ kind: 'key taken', id: holder.id })
    expect(answer).toEqual({ kind: 'stored' })
    const { dueAt, createdAt } = timer
    const expected = this.#world.life.add({
      ...{ id, dueAt, mode, payload, key, told: step.told },
      expiresInMs: step.expires ? 1_000 : undefined,
    })
    this.#world.sent.push(async () => {
      if (expected.gone) return
      expect(await this.#world.rig.clients.create(timer)).toEqual({ kind: 'stored' })
      const fresh = await this.#nextId()
      const again = { ...timer, id: fresh, createdAt: Date.now(), dueAt: Date.now() + 7 }
      expect(await this.#world.rig.clients.create(again)).toEqual({ kind: 'replay', id, createdAt, dueAt })
      const other = { ...again, idempotency: { digest, fingerprint: 'another' } }
      expect(await this.#world.rig.clients.create(other)).toEqual({ kind: 'reused' })
    })
  }

  async upsert(step: Extract<Step, { do: 'upsert' }>): Promise<void> {
    const id = await this.#nextId()
    const key = `key-${step.key}`
    const [payload, nonce] = [this.#world.newWord(), this.#world.newWord()]
    const extras = { key, labels: step.labels, expires: '', callback: '' }
    const data = JSON.stringify({ u: 'http://127.0.0.1:1/hook', b: payload })
    const timer = {
      id,
      data,
      createdAt: Date.now() - 10_000,
      dueAt: dueAtOf(step.late),
      owner: '',
      extras,
    }
    const content = { d: data, l: step.labels, e: '', c: '' }
    const change = { all: { ...content, t: String(timer.dueAt) }, due: content, none: undefined }[step.keep]
    const send = () => this.#world.rig.clients.upsert(timer, nonce, change)

    const holder = this.#world.life.withKey(key)
    const answer = await send()
    if (holder !== undefined && !holder.gone && holder.status === 'pending') {
      expect(answer).toMatchObject({ kind: 'changed', id: holder.id })
      if (step.keep !== 'none') {
        this.#world.life.change(holder, { payload, ...(step.keep === 'all' && { dueAt: timer.dueAt }) })
        Object.assign(holder, { told: false, expiresInMs: undefined })
      }
      // Whoever has the key by now is left alone.
      this.#world.sent.push(async () => {
        if (holder.gone || this.#world.life.withKey(key)?.gone) return
        expect((await send()).kind).toBe('changed')
      })
      return
    }
    const previous =
      holder === undefined || holder.gone ? undefined : { id: holder.id, status: holder.status }
    expect(answer).toMatchObject({ kind: 'created', id: timer.id })
    expect(answer.kind === 'created' && answer.previous).toEqual(previous)
    const made = this.#world.life.add({
      id: timer.id,
      dueAt: timer.dueAt,
      mode: 'at_most_once',
      payload,
      key,
    })
    this.#world.sent.push(async () => {
      if (made.gone) return
      expect(await send()).toMatchObject({ kind: 'created', id: made.id, previous })
    })
  }

  async change(step: Extract<Step, { do: 'change' }>): Promise<void> {
    const timer = this.#world.timer(step.of)
    if (timer === undefined) return
    const payload = this.#world.newWord()
    const dueAt = step.to === 'same' ? undefined : dueAtOf(step.to === 'future')
    const change: StoredChange = {
      s: { b: payload },
      ...(dueAt !== undefined && { t: String(dueAt) }),
      ...(step.labels !== undefined && { l: step.labels }),
      ...(step.expires !== undefined && { e: step.expires ? '1' : '' }),
    }
    await this.#pendingOnly(
      timer,
      this.#sender(step.keyed, (nonce) =>
        this.#world.rig.clients.change({ owner: '', id: timer.id }, nonce, change),
      ),
      () => {
        this.#world.life.change(timer, { payload, ...(dueAt !== undefined && { dueAt }) })
        if (step.expires !== undefined) timer.expiresInMs = step.expires ? 1_000 : undefined
      },
    )
  }

  /** Sends a command, and then again: the same one, or, with the client's key, another one under it. */
  #sender<T>(keyed: boolean, send: (nonce: string) => Promise<T>): () => Promise<T> {
    const word = this.#world.newWord()
    let times = 0
    return () => {
      times += 1
      return send(keyed ? `=${word}/${times}` : word)
    }
  }

  async cancel(timer: Expected | undefined): Promise<void> {
    if (timer === undefined) return
    const send = () => this.#world.rig.clients.cancel({ owner: '', id: timer.id }, Date.now())
    if (timer.status === 'cancelled') {
      expect(await send()).toMatchObject({ kind: 'done', id: timer.id })
    } else await this.#pendingOnly(timer, send, () => this.#world.life.cancel(timer))
  }

  async #pendingOnly(timer: Expected, send: () => Promise<ChangeAnswer>, change: () => void): Promise<void> {
    const { status, id } = timer
    const answer = await send()
    if (timer.callback) return expect(answer).toEqual({ kind: 'missing' })
    if (status === 'firing') return expect(answer).toEqual({ kind: 'firing', status })
    if (isFinal(status)) return expect(answer).toEqual({ kind: 'finished', status })
    expect(answer).toMatchObject({ kind: 'done', id })
    change()
    this.#world.sent.push(async () => {
      if (timer.gone) return
      const again = await send()
      if (again.kind !== 'done' && again.kind !== 'again') expect(again).toMatchObject({ kind: 'finished' })
    })
  }

  async redrive(timer: Expected | undefined, keyed: boolean): Promise<void> {
    if (timer === undefined) return
    const { status, id } = timer
    const at = Date.now()
    const holder = timer.key === undefined ? undefined : this.#world.life.withKey(timer.key)
    const rests = await this.#world.rests(timer)
    const send = this.#sender(keyed, (nonce) => this.#world.rig.clients.redrive({ owner: '', id }, nonce, at))
    const answer = await send()
    if (status !== 'failed' && status !== 'unknown')
      return expect(answer).toEqual({ kind: 'refused', status })
    if (holder !== timer && this.#world.life.isUnfinished(holder)) {
      return expect(answer).toEqual({ kind: 'taken', id: holder.id })
    }
    if (!rests) return expect(answer).toEqual({ kind: 'refused', status })
    expect(answer).toMatchObject({ kind: 'done', id })
    this.#world.life.redrive(timer, at)
    this.#world.sent.push(async () => {
      if (!timer.gone) expect(await send()).toMatchObject({ kind: keyed ? 'again' : 'done', id })
    })
  }

  async resolve(timer: Expected | undefined, as: 'fired' | 'failed'): Promise<void> {
    if (timer === undefined) return
    const { status, id } = timer
    const nonce = this.#world.newWord()
    const rests = await this.#world.rests(timer)
    const send = () =>
      this.#world.rig.clients.resolve(
        { owner: '', id },
        nonce,
        Date.now(),
        as,
        JSON.stringify({ a: as, t: 1 }),
      )
    const answer = await send()
    if (timer.callback) return expect(answer).toEqual({ kind: 'missing' })
    if (status !== 'unknown' || !rests) return expect(answer).toEqual({ kind: 'refused', status })
    expect(answer).toMatchObject({ kind: 'done', id })
    this.#world.life.end(timer, as)
    timer.doubted = undefined
    this.#world.sent.push(async () => {
      if (!timer.gone) expect(await send()).toMatchObject({ kind: 'done', id })
    })
  }

  async #nextId(): Promise<number> {
    return Number(await this.#world.rig.client.incr(this.#world.rig.keys().key('ids')))
  }
}
