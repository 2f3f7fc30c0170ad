import { attempt, type Case, DUE, found, iso, START, story } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

const idempotent = { idempotencyKey: 'i1' }
const replay = { acknowledged: { id: 1, dueAt: DUE, replayed: true }, askedAt: START + 500 }

judged('one idempotency key', [
  [
    'is answered long after the timer has fired',
    {
      creation: { ...idempotent, version: 1, acknowledged: undefined, failure: 'cut' },
      seen: [{ versions: [1] }],
      more: [
        {
          askedAt: DUE + 5_000,
          failure: undefined,
          acknowledged: { id: 1, dueAt: DUE, replayed: true },
        },
      ],
    },
    {},
  ],
  ['makes one timer', { creation: idempotent, more: [replay] }, {}],
  [
    'after no answer',
    {
      creation: { ...idempotent, acknowledged: undefined, failure: 'cut' },
      more: [{ ...replay, failure: undefined }],
    },
    {},
  ],
  [
    'with two timers',
    {
      creation: idempotent,
      more: [{ ...replay, acknowledged: { id: 5, dueAt: DUE + 500 } }],
      others: [{ id: 5 }],
    },
    { twins: 1, lost: 1, misreported: 3 },
  ],
  [
    'with one that nobody was told of',
    {
      creation: { ...idempotent, labels: ['wish.c1'] },
      view: { labels: ['wish.c1'] },
      others: [{ id: 5, status: 'cancelled' }],
    },
    { twins: 1, misreported: 3 },
  ],
  [
    'with two times',
    {
      creation: idempotent,
      more: [{ ...replay, acknowledged: { id: 1, dueAt: DUE + 500, replayed: true } }],
    },
    { misreported: 1 },
  ],
  [
    'with two that made it',
    { creation: idempotent, more: [{ ...replay, acknowledged: { id: 1, dueAt: DUE } }] },
    { misreported: 1, early: 1 },
  ],
  [
    'is not refused',
    { creation: idempotent, more: [{ acknowledged: undefined, failure: 'IDEMPOTENCY_KEY_REUSED' }] },
    { unavailable: 1 },
  ],
])

test('one idempotency key for a redrive makes one attempt, however often it is sent', () => {
  const again = { receivedAt: DUE + 9_100, answeredAt: DUE + 9_101 }
  const redrive = { idempotencyKey: 'r1' }
  const tried = {
    attempts: 2,
    attempt_log: [attempt('rejected', DUE + 2, 500), { ...attempt('delivered', DUE + 9_050), attempt: 2 }],
  }
  expect(found(story({ seen: [{ answer: 500 }, again], view: tried, redrives: [redrive, redrive] }))).toEqual(
    {},
  )
  expect(
    found(
      story({
        seen: [{ answer: 500 }, again, again],
        view: { ...tried, attempts: 3 },
        redrives: [redrive, redrive],
      }),
    ),
  ).toEqual({ doubled: 1 })
})

const keyed = { ownKey: 'order-1', onConflict: 'replace', version: 1 } as const
const created = { created_at: iso(START + 1) }
const met = {
  askedAt: START + 1_000,
  durationMs: 5_000,
  version: 2,
  acknowledged: { id: 1, dueAt: DUE + 1_001, met: true },
}
const bounced = {
  due_at: iso(DUE + 1_001),
  fired_at: iso(DUE + 1_003),
  lateness_ms: 2,
  attempt_log: [attempt('delivered', DUE + 1_003)],
}
const seenBounced = { receivedAt: DUE + 1_004, answeredAt: DUE + 1_005 }
const second = {
  askedAt: DUE + 200,
  version: 2,
  acknowledged: { id: 2, dueAt: DUE + 5_201, previous: { id: 1, status: 'fired' } },
}
const seenTwo = { id: 2, receivedAt: DUE + 5_204, answeredAt: DUE + 5_205, versions: [2] }
const firedTwo = {
  id: 2,
  created_at: iso(DUE + 201),
  due_at: iso(DUE + 5_201),
  fired_at: iso(DUE + 5_203),
  lateness_ms: 2,
  attempt_log: [attempt('delivered', DUE + 5_203)],
}
const seenOne = { versions: [1] }

judged('one own key', [
  [
    'is put off, and the last wins',
    {
      creation: keyed,
      more: [met],
      seen: [{ ...seenBounced, versions: [2] }],
      view: { ...created, ...bounced },
    },
    {},
  ],
  [
    'and the content of the first is sent',
    {
      creation: keyed,
      more: [met],
      seen: [{ ...seenBounced, ...seenOne }],
      view: { ...created, ...bounced },
    },
    { stale: 1 },
  ],
  [
    'and it fires at the first time',
    { creation: keyed, more: [met], seen: [{ versions: [2] }], view: created },
    { early: 1, misreported: 2 },
  ],
  [
    'keeps the time',
    { creation: keyed, more: [{ ...met, onConflict: 'keep_due' }], seen: [{ versions: [2] }], view: created },
    {},
  ],
  [
    'keeps all',
    { creation: keyed, more: [{ ...met, onConflict: 'keep' }], seen: [seenOne], view: created },
    {},
  ],
  [
    'keeps all, and the new content is sent',
    { creation: keyed, more: [{ ...met, onConflict: 'keep' }], seen: [{ versions: [2] }], view: created },
    { stale: 1 },
  ],
  [
    'makes another one after the first has fired',
    { creation: keyed, more: [second], seen: [seenOne, seenTwo], view: created, others: [firedTwo] },
    {},
  ],
  [
    'makes another one and does not say so',
    {
      creation: keyed,
      more: [{ ...second, acknowledged: { id: 2, dueAt: DUE + 5_201 } }],
      seen: [seenOne, seenTwo],
      view: created,
      others: [firedTwo],
    },
    { misreported: 1 },
  ],
  [
    'with two pending timers',
    {
      creation: keyed,
      more: [
        {
          ...second,
          askedAt: START + 201,
          acknowledged: { id: 2, dueAt: DUE + 5_201, previous: { id: 1, status: 'pending' } },
        },
      ],
      seen: [seenOne, seenTwo],
      view: created,
      others: [{ ...firedTwo, created_at: iso(START + 202) }],
    },
    { twins: 1, misreported: 1 },
  ],
  [
    'is made by one of two that got no answer',
    {
      creation: { ...keyed, acknowledged: undefined, failure: 'cut', durationMs: 9_000 },
      more: [{ ...met, onConflict: 'keep', durationMs: 4_000, acknowledged: undefined, failure: 'cut' }],
      seen: [{ versions: [2] }],
      view: created,
    },
    {},
  ],
  [
    'is made by one of two that got no answer, and sends what neither asked for',
    {
      creation: { ...keyed, acknowledged: undefined, failure: 'cut' },
      more: [{ ...met, onConflict: 'keep', acknowledged: undefined, failure: 'cut' }],
      seen: [{ versions: [3] }],
      view: created,
    },
    { stale: 1 },
  ],
  [
    'with two that two clients were told of at the same time',
    {
      creation: keyed,
      more: [{ ...second, askedAt: START, tookMs: 4, acknowledged: { id: 2, dueAt: DUE + 201 } }],
      seen: [seenOne, { ...seenTwo, receivedAt: DUE + 204 }],
      view: created,
      others: [
        {
          id: 2,
          due_at: iso(DUE + 201),
          fired_at: iso(DUE + 203),
          attempt_log: [attempt('delivered', DUE + 203)],
        },
      ],
    },
    { twins: 1 },
  ],
  [
    'is taken by a timer of another key',
    {
      creation: keyed,
      more: [{ acknowledged: undefined, failure: 'KEY_TAKEN', takenBy: 9 }],
      seen: [seenOne],
      view: created,
    },
    { misreported: 1 },
  ],
])
