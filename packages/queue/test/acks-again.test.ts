import type { NewTimer } from '../src/timers/client-commands.ts'
import { toResolution } from '../src/timers/stored-timer.ts'
import { rig, store, useBed } from './bed.ts'
import { due } from './commands-bed.ts'
import { draft, unknown } from './rig.ts'

const HOUR = 3_600_000

/** From Redis 7.2 on WAIT speaks of writes only: replicas confirmed at once what another connection had written. */
describe('an answer that rests on what was written before is itself a write', () => {
  useBed()

  const changes = async () =>
    Number(/rdb_changes_since_last_save:(\d+)/.exec(await rig.client.info('persistence'))?.[1])

  /** Does it once, and again: the same answer, and a write. */
  async function again<T>(command: () => Promise<T>): Promise<T> {
    await command()
    const hashes = await rig.client.dbsize()
    const before = await changes()
    const answer = await command()
    expect(await changes()).toBeGreaterThan(before)
    expect(await rig.client.dbsize()).toBe(hashes)
    return answer
  }

  const timer = async (more: Partial<NewTimer> = {}): Promise<NewTimer> => {
    // Minted as any other.
    const { id } = await store.create(draft(HOUR))
    const now = Date.now()
    return {
      id: id + 50,
      data: '{"url":"http://a.example/"}',
      createdAt: now,
      dueAt: now + HOUR,
      owner: '',
      ...more,
    }
  }

  test('a create, sent again by us', async () => {
    const one = await timer()
    expect(await again(() => rig.clients.create(one))).toEqual({ kind: 'stored' })
  })

  test('a create, sent again by a client under its idempotency key', async () => {
    const idempotency = { digest: 'd', fingerprint: 'f' }
    const one = await timer({ idempotency })
    await rig.clients.create(one)
    const answer = await again(() =>
      rig.clients.create({ ...one, id: one.id + 1, createdAt: one.createdAt + 1 }),
    )
    expect(answer).toMatchObject({ kind: 'replay', id: one.id })
  })

  test('many creates', async () => {
    const one = await timer()
    const two = { ...one, id: one.id + 1 }
    expect(await again(() => rig.clients.createMany([one, two]))).toEqual(new Map())
  })

  test('an upsert that stored a timer, and one that changed it', async () => {
    const extras = { key: 'a key', labels: '', expires: '', callback: '' }
    const one = await timer({ extras })
    expect(await again(() => rig.clients.upsert(one, 'n1', undefined))).toMatchObject({ kind: 'created' })
    const two = { ...one, id: one.id + 1, createdAt: one.createdAt + 1 }
    expect(await again(() => rig.clients.upsert(two, 'n2', { d: one.data }))).toMatchObject({
      kind: 'changed',
    })
  })

  test('a change, and a cancel', async () => {
    const { id } = await store.create(draft(HOUR))
    const subject = { owner: '', id }
    const at = String(Date.now() + HOUR)
    expect(await again(() => rig.clients.change(subject, 'n1', { t: at }))).toMatchObject({ kind: 'done' })
    expect(await again(() => rig.clients.cancel(subject, Date.now()))).toMatchObject({ kind: 'done' })
  })

  test('a claim, a resolve and a redrive', async () => {
    const first = await due()
    const subject = { owner: '', id: first.id }
    expect(await again(() => first.due.claim())).toMatchObject({ kind: 'granted', attempt: 1 })
    await first.due.settle(1, { outcome: 'ambiguous', sentAt: 1 }, unknown)
    expect(await again(() => rig.clients.redrive(subject, 'n1', Date.now()))).toMatchObject({ kind: 'done' })
    const second = await rig.take()
    await second.due.claim()
    await second.due.settle(2, { outcome: 'ambiguous', sentAt: 1 }, unknown)
    const resolve = () =>
      rig.clients.resolve(subject, 'n2', Date.now(), 'fired', toResolution('fired', Date.now(), undefined))
    expect(await again(resolve)).toMatchObject({ kind: 'done' })
  })
})
