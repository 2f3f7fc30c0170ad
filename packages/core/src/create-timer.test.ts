import { createAddressPolicy } from './address-policy.ts'
import { type CreateTimerRequest, createTimer } from './create-timer.ts'
import type { Created, Idempotency, TimerStore } from './store-port.ts'
import type { Timer, TimerDraft } from './timer.ts'

/** Keeps what it is asked to create, and is asked for nothing else. */
function listeningStore(drafts: TimerDraft[], idempotencies: unknown[] = []): TimerStore {
  return {
    create: async (draft, idempotency) => {
      drafts.push(draft)
      idempotencies.push(idempotency)
      return { id: 1, createdAt: 0, dueAt: 0, ...draft } as Timer as Created
    },
  } satisfies Partial<TimerStore> as unknown as TimerStore
}

const NOW = Date.UTC(2026, 5, 1)
const clock = { now: () => NOW }

const addressPolicy = createAddressPolicy({ allowCidrs: ['127.0.0.0/8'] })
const origin = { requestId: 'r1', traceparent: undefined }

describe('createTimer', () => {
  const request = { hours: 4, seconds: 1, url: 'https://a.b/c' }

  test('stores the sum of the parts and the URL as it was written', async () => {
    const drafts: TimerDraft[] = []
    const deps = { store: listeningStore(drafts), addressPolicy, clock, maxTimerSeconds: 86_400 }
    const timer = await createTimer(request, origin, deps)
    expect(drafts).toEqual([expect.objectContaining({ url: 'https://a.b/c', delayMs: 14_401_000 })])
    expect(timer.id).toBe(1)
  })

  test.each<[string, Partial<CreateTimerRequest>, string]>([
    ['a duration that is none', { hours: -1 }, 'INVALID_DURATION'],
    ['more than is allowed', { hours: 25 }, 'INVALID_DURATION'],
    ['a URL that is none', { url: 'ftp://a.b' }, 'INVALID_URL'],
    ['an address that is not public', { url: 'http://10.0.0.1/x' }, 'INVALID_URL'],
    ['the same in disguise', { url: 'http://0x0a000001/x' }, 'INVALID_URL'],
    ['an IPv6 address that is not public', { url: 'http://[::1]:8080/' }, 'INVALID_URL'],
    ['a metadata address', { url: 'http://169.254.169.254/latest' }, 'INVALID_URL'],
    ['a payload of more than 8 KiB', { payload: '1'.repeat(8_193) }, 'INVALID_PAYLOAD'],
    ['a header of ours', { headers: { 'Webhook-Id': '1' } }, 'INVALID_HEADERS'],
    ['a header that belongs to the connection', { headers: { connection: 'close' } }, 'INVALID_HEADERS'],
    ['a header name twice', { headers: { 'x-a': '1', 'X-A': '2' } }, 'INVALID_HEADERS'],
    ['a header that objects lose', { headers: JSON.parse('{"__proto__":"1"}') }, 'INVALID_HEADERS'],
    ['the same in capitals', { headers: { __PROTO__: '1' } }, 'INVALID_HEADERS'],
    ['a header value with a line break', { headers: { 'x-a': '1\r\nx-b: 2' } }, 'INVALID_HEADERS'],
  ])('does not ask the store for %s', async (_, changes, code) => {
    const drafts: TimerDraft[] = []
    const deps = { store: listeningStore(drafts), addressPolicy, clock, maxTimerSeconds: 86_400 }
    await expect(createTimer({ ...request, ...changes }, origin, deps)).rejects.toMatchObject({ code })
    expect(drafts).toEqual([])
  })

  test.each<[string, Partial<CreateTimerRequest>, string]>([
    ['two forms of a time', { at: '2026-06-01T00:00:01Z' }, 'INVALID_TIME'],
    ['a key that is none', { key: 'a b' }, 'INVALID_KEY'],
    ['a label that is none', { labels: [''] }, 'INVALID_LABELS'],
    ['an expiry that is none', { expiresIn: 0 }, 'INVALID_EXPIRY'],
    [
      'a callback to an address that is not public',
      { callback: { url: 'http://10.0.0.1/' } },
      'INVALID_CALLBACK',
    ],
  ])('does not ask the store for %s', async (_, changes, code) => {
    const drafts: TimerDraft[] = []
    const deps = { store: listeningStore(drafts), addressPolicy, clock, maxTimerSeconds: 86_400 }
    await expect(createTimer({ ...request, ...changes }, origin, deps)).rejects.toMatchObject({ code })
    expect(drafts).toEqual([])
  })

  test('passes on what the store says', async () => {
    const broken = new Error('away')
    const store = { ...listeningStore([]), create: () => Promise.reject(broken) }
    await expect(
      createTimer(request, origin, { store, addressPolicy, clock, maxTimerSeconds: 86_400 }),
    ).rejects.toBe(broken)
  })

  test.each<[string, Partial<CreateTimerRequest>, Partial<TimerDraft>]>([
    ['a public address', { url: 'http://8.8.8.8/x' }, { url: 'http://8.8.8.8/x' }],
    ['an address that is opened', { url: 'http://127.0.0.1:4000/x' }, { url: 'http://127.0.0.1:4000/x' }],
    ['a payload of 8 KiB', { payload: '1'.repeat(8_192) }, { payload: '1'.repeat(8_192) }],
    ['null as a payload', { payload: 'null' }, { payload: 'null' }],
    [
      'a header named like a part of every object',
      { headers: { constructor: '1' } },
      { headers: { constructor: '1' } },
    ],
    ['no headers', { headers: {} }, { headers: undefined }],
    ['nothing but the defaults', {}, { mode: 'at_most_once', maxAttempts: 10, payload: undefined }],
    ['a mode', { mode: 'at_least_once', maxAttempts: 30 }, { mode: 'at_least_once', maxAttempts: 30 }],
  ])('takes %s', async (_, changes, expected) => {
    const drafts: TimerDraft[] = []
    const deps = { store: listeningStore(drafts), addressPolicy, clock, maxTimerSeconds: 86_400 }
    await createTimer({ ...request, ...changes }, origin, deps)
    expect(drafts).toEqual([expect.objectContaining(expected)])
  })

  test.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
    ['cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09', true],
    ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', false],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', false],
    ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', false],
    ['00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01', false],
    ['', false],
  ])('traceparent %s is kept: %s', async (traceparent, kept) => {
    const drafts: TimerDraft[] = []
    const deps = { store: listeningStore(drafts), addressPolicy, clock, maxTimerSeconds: 86_400 }
    await createTimer(request, { requestId: 'r1', traceparent }, deps)
    expect(drafts[0]?.traceparent).toBe(kept ? traceparent : undefined)
  })
})

describe('createTimer with an idempotency key', () => {
  const url = 'https://a.b/c'
  const create = async (request: CreateTimerRequest, key: string, now = NOW) => {
    const idempotencies: unknown[] = []
    const store = listeningStore([], idempotencies)
    const deps = { store, addressPolicy, clock: { now: () => now }, maxTimerSeconds: 86_400 }
    await createTimer(request, origin, deps, key)
    return idempotencies[0] as Idempotency
  }

  test('hands on the key without its quotes, and a fingerprint of 22 characters', async () => {
    const idempotency = await create({ seconds: 1, url }, '"abc"')
    expect(idempotency).toEqual({ key: 'abc', fingerprint: expect.stringMatching(/^[\w-]{22}$/) })
  })

  test('hands on nothing of it without a key', async () => {
    const idempotencies: unknown[] = []
    const deps = { store: listeningStore([], idempotencies), addressPolicy, clock, maxTimerSeconds: 86_400 }
    await createTimer({ seconds: 1, url }, origin, deps)
    expect(idempotencies).toEqual([undefined])
  })

  test('refuses a key that is none', async () => {
    await expect(create({ seconds: 1, url }, 'a b')).rejects.toMatchObject({
      code: 'INVALID_IDEMPOTENCY_KEY',
    })
  })

  test('asks the store for the first answer although the time has passed meanwhile', async () => {
    const at = new Date(NOW + 1_000).toISOString()
    const first = await create({ at, url }, 'abc')
    const late = await create({ at, url }, 'abc', NOW + 3_600_000)
    expect(first.orElse).toBeUndefined()
    expect(late.fingerprint).toBe(first.fingerprint)
    expect(late.orElse).toMatchObject({ code: 'INVALID_TIME', field: 'at' })
  })

  test('is the same request a moment after its time', async () => {
    const at = new Date(NOW + 1_000).toISOString()
    const [first, again] = [await create({ at, url }, 'abc'), await create({ at, url }, 'abc', NOW + 30_000)]
    expect(again).toEqual(first)
  })
})
