import {
  attempt,
  type Case,
  cancel,
  cancelled,
  DUE,
  found,
  refusedBy,
  START,
  story,
  told,
  view,
} from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

const firing = refusedBy('ALREADY_FIRING', 'firing')
const refusedLate = { askedAt: DUE + 30, answeredAt: DUE + 40 }

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
  [
    'and told to be pending after',
    {
      seen: [],
      view: cancelled,
      changes: [cancel],
      evidence: {
        tellings: [{ id: 1, askedAt: START + 1_011, answeredAt: DUE, status: 'pending', attempts: 0 }],
      },
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
    { denied: 1 },
  ],
  [
    'that answers and does not say cancelled',
    { seen: [], view: cancelled, changes: [{ kind: 'cancel', ...told('pending') }] },
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
