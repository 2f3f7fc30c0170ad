import type { Change } from './answers.ts'
import { attempt, type Case, DUE, found, iso, REST, START, story, view } from './story.ts'

const cancelled = view('cancelled')
const told = (status: string, dueAt?: number): Pick<Change, 'told'> => ({ told: { status, dueAt } })
const cancel = { kind: 'cancel', ...told('cancelled') } as const
const refusedBy = (code: string, status: string, kind: Change['kind'] = 'cancel') =>
  ({ kind, answer: 409, code, ...told(status) }) as const
const firing = refusedBy('ALREADY_FIRING', 'firing')
const refusedLate = { askedAt: DUE + 30, answeredAt: DUE + 40 }

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

judged('a cancel', [
  ['that is acknowledged, and nothing is seen', { seen: [], view: cancelled, changes: [cancel] }, {}],
  ['and seen all the same', { view: { ...cancelled }, changes: [cancel] }, { revived: 2 }],
  [
    'and seen before, though it was never tried',
    { seen: [{ receivedAt: START + 500 }], view: cancelled, changes: [cancel] },
    { revived: 1, early: 1 },
  ],
  ['and fired all the same', { changes: [cancel] }, { revived: 2 }],
  [
    'and not seen, but called failed',
    { seen: [], view: view('failed', 'never_sent'), changes: [cancel] },
    { revived: 1 },
  ],
  [
    'and seen in a retry that left before',
    {
      creation: { mode: 'at_least_once' },
      seen: [{ answer: 500 }],
      view: {
        ...cancelled,
        delivery: 'at_least_once',
        attempts: 1,
        attempt_log: [attempt('rejected', DUE + 2, 500)],
      },
      changes: [{ ...cancel, askedAt: DUE + 100, answeredAt: DUE + 110 }],
    },
    {},
  ],
  [
    'and seen in a retry that left after',
    {
      creation: { mode: 'at_least_once' },
      seen: [{ answer: 500 }, { receivedAt: DUE + 5_000, answer: 500 }],
      view: {
        ...cancelled,
        delivery: 'at_least_once',
        attempts: 2,
        attempt_log: [attempt('rejected', DUE + 2, 500), attempt('rejected', DUE + 4_990, 500)],
      },
      changes: [{ ...cancel, askedAt: DUE + 100, answeredAt: DUE + 110 }],
    },
    { revived: 1 },
  ],
  ['that nobody asked for', { seen: [], view: cancelled }, { misreported: 1 }],
  [
    'without an answer, that happened',
    { seen: [], view: cancelled, changes: [{ kind: 'cancel', answer: 'cut' }] },
    {},
  ],
  ['without an answer, that did not', { changes: [{ kind: 'cancel', answer: 'cut' }] }, {}],
  [
    'that was refused by Redis, and happened',
    { seen: [], view: cancelled, changes: [{ kind: 'cancel', answer: 503, code: 'STORE_REFUSED' }] },
    { misreported: 1 },
  ],
  ['of one that fires already', { changes: [firing] }, {}],
  [
    'of one that fires already, and was never tried',
    { seen: [], view: cancelled, changes: [cancel, firing] },
    { misreported: 1 },
  ],
  ['of one that has fired', { changes: [{ ...refusedBy('ALREADY_FINISHED', 'fired'), ...refusedLate }] }, {}],
  [
    'of one that is said to have fired before it was due',
    { changes: [refusedBy('ALREADY_FINISHED', 'fired')] },
    { misreported: 1 },
  ],
  [
    'of one that is said to have expired, and fired',
    { changes: [refusedBy('ALREADY_FINISHED', 'expired')] },
    { misreported: 1 },
  ],
  [
    'of one that is cancelled already',
    { seen: [], view: cancelled, changes: [cancel, refusedBy('ALREADY_FINISHED', 'cancelled')] },
    { misreported: 1 },
  ],
  [
    'that is refused for another reason',
    { changes: [{ kind: 'cancel', answer: 409, code: 'KEY_TAKEN' }] },
    { misreported: 1 },
  ],
  [
    'that finds no timer',
    { changes: [{ kind: 'cancel', answer: 404, code: 'TIMER_NOT_FOUND' }] },
    { unavailable: 1 },
  ],
  [
    'that answers and does not say cancelled',
    { seen: [], view: cancelled, changes: [{ kind: 'cancel', ...told('pending') }] },
    { misreported: 1 },
  ],
])

const content = (version: number) => ({ seen: [{ versions: [version] }] })
const toContent = (version: number, more: Partial<Change> = {}) =>
  ({ kind: 'patch', version, ...told('pending', DUE), ...more }) as const

judged('content that was changed', [
  ['is sent as it was told last', { creation: { version: 1 }, ...content(2), changes: [toContent(2)] }, {}],
  [
    'is not sent as it was before',
    { creation: { version: 1 }, ...content(1), changes: [toContent(2)] },
    { stale: 1 },
  ],
  [
    'may be either without an answer',
    { creation: { version: 1 }, ...content(1), changes: [toContent(2, { answer: 'cut' })] },
    {},
  ],
  [
    'may be either without an answer: the new one',
    { creation: { version: 1 }, ...content(2), changes: [toContent(2, { answer: 503 })] },
    {},
  ],
  [
    'is not what was refused',
    {
      creation: { version: 1 },
      ...content(2),
      changes: [toContent(2, { answer: 503, code: 'STORE_REFUSED' })],
    },
    { stale: 1 },
  ],
  [
    'is not that of a change that was refused',
    {
      creation: { version: 1 },
      ...content(2),
      changes: [{ ...refusedBy('ALREADY_FIRING', 'firing', 'patch'), version: 2 }],
    },
    { stale: 1 },
  ],
  [
    'is sent as it was told last, also when the create is sent again',
    {
      creation: { version: 1, idempotencyKey: 'i1' },
      ...content(2),
      changes: [toContent(2)],
      more: [{ askedAt: START + 2_000, tookMs: 3, acknowledged: { id: 1, dueAt: DUE, replayed: true } }],
    },
    {},
  ],
  [
    'is whole',
    { creation: { version: 1 }, seen: [{ versions: [1, 2] }], changes: [toContent(2, { answer: 'cut' })] },
    { stale: 1 },
  ],
  ['is there', { creation: { version: 1 }, seen: [{}] }, { stale: 1 }],
  [
    'is the later of two, one after the other',
    {
      creation: { version: 1 },
      ...content(2),
      changes: [toContent(2), toContent(3, { askedAt: START + 2_000, answeredAt: START + 2_010 })],
    },
    { stale: 1 },
  ],
  [
    'is either of two at the same time',
    {
      creation: { version: 1 },
      ...content(2),
      changes: [toContent(2), toContent(3, { askedAt: START + 1_005, answeredAt: START + 1_020 })],
    },
    {},
  ],
])

const LATER = START + 1_005 + 9_000
const moved = { kind: 'patch', durationMs: 9_000, ...told('pending', LATER) } as const
const firedLater = {
  due_at: iso(LATER),
  fired_at: iso(LATER + 2),
  lateness_ms: 2,
  attempt_log: [attempt('delivered', LATER + 2)],
}
const seenLater = { receivedAt: LATER + 3, answeredAt: LATER + 4 }

judged('a time that was changed', [
  [
    'by two at a time, both told of one, is that one',
    {
      seen: [seenLater],
      view: firedLater,
      changes: [moved, { ...moved, durationMs: 3_000, askedAt: START + 900, answeredAt: START + 2_000 }],
    },
    {},
  ],
  [
    'by two at a time is not a third',
    {
      seen: [seenLater],
      view: firedLater,
      changes: [
        { ...moved, durationMs: 3_000 },
        { ...moved, durationMs: 4_000, askedAt: START + 900, answeredAt: START + 2_000 },
      ],
    },
    { misreported: 2 },
  ],
  [
    'while it waits for a retry, is kept',
    {
      creation: { mode: 'at_least_once' },
      seen: [{ answer: 500 }, seenLater],
      view: {
        ...firedLater,
        ...{ delivery: 'at_least_once', attempts: 2, fired_at: iso(DUE + 2), lateness_ms: 0 },
        attempt_log: [attempt('rejected', DUE + 2, 500), attempt('delivered', LATER + 2)],
      },
      changes: [{ ...moved, durationMs: 2_000, askedAt: DUE + 3_000, answeredAt: LATER - 2_000 }],
    },
    {},
  ],
  [
    'to an instant, is kept',
    { seen: [seenLater], view: firedLater, changes: [{ ...moved, durationMs: undefined, at: LATER }] },
    {},
  ],
  ['is kept', { seen: [seenLater], view: firedLater, changes: [moved] }, {}],
  [
    'and it fires at the old one',
    { view: { ...firedLater, fired_at: iso(DUE + 2) }, changes: [moved] },
    { early: 1, misreported: 1 },
  ],
  [
    'and is told as the old one',
    { seen: [seenLater], view: { fired_at: iso(LATER + 2), lateness_ms: LATER + 2 - DUE }, changes: [moved] },
    { misreported: 1 },
  ],
  [
    'is not what was asked for',
    { seen: [seenLater], view: firedLater, changes: [{ ...moved, durationMs: 9_500 }] },
    { early: 1 },
  ],
  [
    'is later than what was asked for',
    { seen: [seenLater], view: firedLater, changes: [{ ...moved, durationMs: 5_000 }] },
    { misreported: 1 },
  ],
  [
    'to an instant, and is another',
    { seen: [seenLater], view: firedLater, changes: [{ ...moved, durationMs: undefined, at: LATER - 1 }] },
    { misreported: 1 },
  ],
  ['may be either without an answer', { changes: [{ ...moved, answer: 'cut', told: undefined }] }, {}],
  [
    'may be either without an answer: the new one',
    { seen: [seenLater], view: firedLater, changes: [{ ...moved, answer: 'cut', told: undefined }] },
    {},
  ],
  [
    'to now, and it fires at once',
    {
      seen: [{ receivedAt: START + 1_009, answeredAt: START + 1_010 }],
      view: {
        due_at: iso(START + 1_005),
        fired_at: iso(START + 1_007),
        lateness_ms: 2,
        attempt_log: [attempt('delivered', START + 1_007)],
      },
      changes: [{ kind: 'fire', ...told('pending', START + 1_005) }],
    },
    {},
  ],
  [
    'to now, and it never fires',
    {
      seen: [],
      view: { ...view('pending'), due_at: iso(START + 1_005) },
      changes: [{ kind: 'fire', ...told('pending', START + 1_005) }],
    },
    { lost: 1, unfinished: 1 },
  ],
  [
    'after it was told to be over',
    {
      changes: [{ ...moved, askedAt: DUE + 900, answeredAt: DUE + 910, ...told('pending', DUE) }],
      evidence: {
        tellings: [{ id: 1, askedAt: DUE + 80, answeredAt: DUE + 90, status: 'fired', attempts: 1 }],
      },
    },
    { early: 1, misreported: 1 },
  ],
])

judged('a timer that is due when nothing is broken', [
  ['is prompt', { evidence: { healedAt: START - 60_000, promptWithinMs: () => 100 } }, {}],
  [
    'and is late',
    { seen: [{ receivedAt: DUE + 101 }], evidence: { healedAt: START - 60_000, promptWithinMs: () => 100 } },
    { slow: 1 },
  ],
])

const idempotent = { idempotencyKey: 'i1' }
const replay = { acknowledged: { id: 1, dueAt: DUE, replayed: true }, askedAt: START + 500 }

judged('one idempotency key', [
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

const labelled = { labels: ['crowd'] }
judged('a cancel of all with a label', [
  ['leaves none', { creation: labelled, view: { ...cancelled, ...labelled }, seen: [], sweeps: [{}] }, {}],
  [
    'leaves one that is seen',
    { creation: labelled, view: labelled, sweeps: [{}] },
    { revived: 2, misreported: 1 },
  ],
  [
    'may skip one',
    {
      creation: labelled,
      view: labelled,
      sweeps: [{ done: 0, skipped: [{ id: 1, code: 'ALREADY_FIRING' }] }],
    },
    {},
  ],
  [
    'says that it has done more than it did',
    {
      creation: labelled,
      view: labelled,
      sweeps: [{ done: 1, skipped: [{ id: 1, code: 'ALREADY_FIRING' }] }],
    },
    { misreported: 1 },
  ],
  [
    'without an answer may leave some',
    { creation: labelled, view: labelled, sweeps: [{ answer: 'cut', complete: false }] },
    {},
  ],
  ['is not for others', { view: cancelled, seen: [], sweeps: [{ done: 0 }] }, { misreported: 1 }],
])

const expired = view('expired')
judged('a timer that expires', [
  ['and is not sent', { creation: { expiresInMs: 1_000 }, seen: [], view: expired }, {}],
  ['and is sent in time', { creation: { expiresInMs: 1_000 } }, {}],
  ['and is seen', { creation: { expiresInMs: 1_000 }, view: expired }, { overstayed: 1 }],
  [
    'and is sent much later',
    {
      creation: { expiresInMs: 1_000 },
      seen: [{ receivedAt: DUE + 30_000 }],
      view: {
        fired_at: iso(DUE + 29_999),
        lateness_ms: 29_999,
        attempt_log: [attempt('delivered', DUE + 29_999)],
      },
    },
    { overstayed: 2 },
  ],
  ['though nobody asked for it', { seen: [], view: expired }, { misreported: 1 }],
  [
    'without a reason',
    { creation: { expiresInMs: 1_000 }, seen: [], view: expired, evidence: { explain: () => undefined } },
    { unexplained: 1 },
  ],
  [
    'too soon',
    {
      creation: { expiresInMs: 1_000 },
      seen: [],
      view: expired,
      evidence: {
        tellings: [{ id: 1, askedAt: DUE + 980, answeredAt: DUE + 990, status: 'expired', attempts: 0 }],
      },
    },
    { misreported: 1 },
  ],
])

const called = { callbackOn: ['fired', 'failed', 'unknown', 'expired', 'cancelled'] }
judged('a callback', [
  ['comes', { creation: called, callbacks: [{}] }, {}],
  ['comes again', { creation: called, callbacks: [{}, { receivedAt: DUE + 900 }] }, {}],
  ['never comes', { creation: called }, { untold: 1 }],
  ['is still to come', { creation: called, evidence: { stillToTell: new Set([1]) } }, {}],
  ['comes as another event', { creation: called, callbacks: [{}, { webhookId: 'b' }] }, { retold: 1 }],
  ['tells two ends with one id', { creation: called, callbacks: [{}, { event: 'unknown' }] }, { retold: 1 }],
  ['was not wanted', { creation: { callbackOn: ['failed'] }, callbacks: [{}] }, { misreported: 1 }],
  ['has no id', { creation: called, callbacks: [{ webhookId: '' }] }, { misreported: 1 }],
  [
    'tells of what is not',
    { creation: called, callbacks: [{}, { event: 'cancelled', webhookId: 'b' }] },
    { misreported: 1 },
  ],
  ['contradicts itself', { creation: called, callbacks: [{ status: 'pending' }] }, { misreported: 1 }],
  [
    'of a cancel never comes',
    { creation: called, seen: [], view: cancelled, changes: [cancel] },
    { untold: 1 },
  ],
])

const unknown = view('unknown', 'interrupted')
const resolve = {
  kind: 'resolve',
  as: 'fired',
  ...told('fired'),
  askedAt: DUE + 9_000,
  answeredAt: DUE + 9_010,
} as const
judged('an unknown timer that is settled', [
  ['is what was said', { seen: [], view: { ...unknown, status: 'fired' }, changes: [resolve] }, {}],
  ['stays unknown', { seen: [], view: unknown, changes: [resolve] }, { misreported: 2 }],
  [
    'may be what was said without an answer',
    { seen: [], view: { ...unknown, status: 'fired' }, changes: [{ ...resolve, answer: 'cut' }] },
    {},
  ],
  [
    'is told to be another',
    { seen: [], view: { ...unknown, status: 'failed' }, changes: [{ ...resolve, ...told('failed') }] },
    { misreported: 2 },
  ],
  [
    'is refused, and is unknown',
    { seen: [], view: unknown, changes: [refusedBy('NOT_UNKNOWN', 'unknown', 'resolve')] },
    { misreported: 1 },
  ],
])

judged('the list of all timers', [
  ['shows each once', { evidence: { listed: [1] } }, {}],
  ['shows one twice', { evidence: { listed: [1, 1] } }, { misreported: 1 }],
  ['leaves one out', { evidence: { listed: [] } }, { misreported: 1 }],
])

test('a timer whose status goes back from its end is found', () => {
  const tellings = [
    { id: 1, askedAt: DUE + 80, answeredAt: DUE + 90, status: 'cancelled', attempts: 0 } as const,
  ]
  expect(found(story({ evidence: { tellings, restAt: REST } }))).toEqual({ misreported: 1 })
})
