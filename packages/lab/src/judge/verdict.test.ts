import type { Creation } from './answers.ts'
import { FLAWLESS } from './flaws.ts'
import type { Sighting } from './sightings.ts'
import { attempt, type Case, DUE, found, iso, REST, START, story, view } from './story.ts'
import { judge } from './verdict.ts'

const failed = {
  ...view('failed', 'rejected'),
  response_status: 500,
  attempt_log: [attempt('rejected', DUE + 2, 500)],
}

const unacknowledged = { acknowledged: undefined, failure: 'cut' }
const unseen = { receivedAt: DUE + 3, answer: 'hang', answeredAt: undefined } as const
const again = { receivedAt: DUE + 9_100, answeredAt: DUE + 9_101 }
const twice = [{ answer: 500 }, { receivedAt: DUE + 5_000 }]
const second = { ...attempt('delivered', DUE + 4_999), attempt: 2 }
const twoTries = {
  attempts: 2,
  attempt_log: [attempt('rejected', DUE + 2, 500), second],
}

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

judged('a timer that was acknowledged', [
  ['fired on time', {}, {}],
  ['pending for ever', { seen: [], view: view('pending') }, { lost: 1, unfinished: 1 }],
  ['unknown to the API', { seen: [], view: 'missing' }, { lost: 1 }],
  ['seen twice', { seen: [{}, { receivedAt: DUE + 90 }] }, { doubled: 1 }],
  ['seen under two ids', { seen: [{}, { id: 104 }] }, { twins: 1, misreported: 1 }],
  ['tried twice, and seen once', { view: twoTries }, { doubled: 1, misreported: 1 }],
  [
    'seen a millisecond early',
    { seen: [{ receivedAt: DUE - 1 }], view: { fired_at: iso(DUE), lateness_ms: 0 } },
    { early: 1, misreported: 1 },
  ],
  [
    'due before its time is over',
    {
      creation: { acknowledged: { id: 1, dueAt: DUE - 1 } },
      view: { due_at: iso(DUE - 1), lateness_ms: 3 },
    },
    { early: 1 },
  ],
  [
    'due at another time than promised',
    { view: { due_at: iso(DUE + 1), lateness_ms: 1 } },
    { misreported: 1 },
  ],
  ['called fired and never seen', { seen: [] }, { lost: 1, misreported: 1 }],
  ['called failed and delivered', { view: { status: 'failed' } }, { misreported: 1 }],
  ['called fired with 500', { view: { response_status: 500 } }, { misreported: 1 }],
  ['with a wrong lateness', { view: { lateness_ms: 7 } }, { misreported: 1 }],
  ['fired after it was seen', { view: { fired_at: iso(DUE + 10), lateness_ms: 10 } }, { misreported: 1 }],
  ['failed with an answer that was given', { seen: [{ answer: 500 }], view: failed }, {}],
  ['failed with an answer that was never given', { view: failed }, { misreported: 1 }],
  ['unknown, seen once', { seen: [unseen], view: view('unknown', 'ambiguous') }, {}],
  ['unknown, never seen', { seen: [], view: view('unknown', 'interrupted') }, {}],
  [
    'unknown without a reason',
    { seen: [unseen], view: view('unknown', 'ambiguous'), evidence: { explain: () => undefined } },
    { unexplained: 1 },
  ],
  [
    'unknown with a reason',
    { seen: [unseen], view: view('unknown', 'ambiguous'), evidence: { explain: () => 'x' } },
    {},
  ],
  [
    'planned again beyond the end',
    { seen: [], view: { ...view('pending', 'never_sent'), next_attempt_at: iso(REST + 1) } },
    {},
  ],
  ['lost with its worker, then refused', { seen: [], view: view('failed', 'interrupted', 'never_sent') }, {}],
  ['planned again, and its time has come', { seen: [], view: view('pending', 'never_sent') }, {}],
  ['still firing', { seen: [unseen], view: view('firing', 'never_sent') }, { unfinished: 1 }],
])

judged('at least once', [
  [
    'two attempts may be seen twice',
    { creation: { mode: 'at_least_once' }, seen: twice, view: twoTries },
    {},
  ],
  [
    'and not three times',
    {
      creation: { mode: 'at_least_once' },
      seen: [...twice, { receivedAt: DUE + 6_000 }],
      view: twoTries,
    },
    { doubled: 1 },
  ],
  ['never seen is lost', { creation: { mode: 'at_least_once' }, seen: [] }, { lost: 1, misreported: 1 }],
])

judged('a creation that was not acknowledged', [
  ['may not exist', { creation: unacknowledged, seen: [], view: 'missing' }, {}],
  ['may exist', { creation: unacknowledged }, {}],
  ['may not be seen twice', { creation: unacknowledged, seen: [{}, {}] }, { doubled: 1 }],
  [
    'may not be early',
    {
      creation: unacknowledged,
      seen: [{ receivedAt: DUE - 1 }],
      view: { fired_at: iso(DUE), lateness_ms: 0 },
    },
    { early: 1, misreported: 1 },
  ],
  [
    'may not exist where the API said so',
    { creation: { ...unacknowledged, failure: 'STORE_REFUSED' } },
    { misreported: 1 },
  ],
  [
    'may exist where the API said so to one client, and nothing to another with the same key',
    {
      creation: { ...unacknowledged, failure: 'STORE_REFUSED' },
      more: [{ ...unacknowledged, failure: 'STORE_UNAVAILABLE' }],
    },
    {},
  ],
  [
    'is a flaw when nothing is broken any more',
    { creation: unacknowledged, seen: [], view: 'missing', evidence: { healedAt: START - 60_000 } },
    { unavailable: 1 },
  ],
])

judged('a timer that is sent again by hand', [
  ['may be seen once more', { seen: [{ answer: 500 }, again], view: twoTries, redrives: [{}] }, {}],
  [
    'and not twice more',
    { seen: [{ answer: 500 }, again, again], view: twoTries, redrives: [{}] },
    { doubled: 1 },
  ],
  [
    'may be seen once more after no answer',
    { seen: [{ answer: 500 }, again], view: twoTries, redrives: [{ answer: 'cut' }] },
    {},
  ],
  ['or not, after a 503', { seen: [{ answer: 500 }], view: failed, redrives: [{ answer: 503 }] }, {}],
  [
    'may not be seen again after a 409',
    { seen: [{ answer: 500 }, again], view: twoTries, redrives: [{ answer: 409 }] },
    { doubled: 1 },
  ],
  ['must be tried again after a 202', { seen: [{ answer: 500 }], view: failed, redrives: [{}] }, { lost: 1 }],
  [
    'may not be tried twice where no one sees it',
    {
      seen: [{ answer: 500 }],
      view: view('unknown', 'interrupted', 'interrupted', 'interrupted'),
      redrives: [{}],
    },
    { doubled: 1 },
  ],
  ['is not unknown to the API', { redrives: [{ answer: 404 }] }, { denied: 1 }],
  [
    'gets no 503 when nothing is broken any more',
    { redrives: [{ answer: 503 }], evidence: { healedAt: START - 60_000 } },
    { unavailable: 1 },
  ],
])

judged('a timer that was told to be unknown', [
  ['may have been seen before', { toldAt: [DUE + 4_000] }, {}],
  [
    'and its attempt may not leave after, also where it was sent again by hand',
    {
      seen: [again, again],
      toldAt: [DUE + 4_000],
      view: { ...twoTries, attempt_log: [attempt('delivered', DUE + 9_200), second] },
      redrives: [{}],
    },
    { late: 1 },
  ],
  ['may not be seen after', { seen: [again], toldAt: [DUE + 4_000] }, { late: 1 }],
  [
    'unless it was sent again by hand since',
    { seen: [again], toldAt: [DUE + 4_000], view: twoTries, redrives: [{}] },
    { misreported: 1 },
  ],
  [
    'but by hand before it was told does not count',
    {
      seen: [again],
      toldAt: [DUE + 4_000],
      view: twoTries,
      redrives: [{ askedAt: DUE + 100, answeredAt: DUE + 110 }],
    },
    { late: 1, misreported: 1 },
  ],
  [
    'nor by hand after it was seen',
    { seen: [again], toldAt: [DUE + 4_000], view: twoTries, redrives: [{ askedAt: DUE + 9_200 }] },
    { late: 1, misreported: 1 },
  ],
])

test('one flaw is found among a hundred timers', () => {
  const all = [story({ seen: [{}, {}] }), ...Array.from({ length: 100 }, (_, index) => story({}, index + 2))]
  const evidence = {
    creations: all.flatMap(({ creations }) => creations),
    sightings: all.flatMap(({ sightings }) => sightings),
    views: new Map(all.flatMap(({ views }) => [...views])),
  }
  const { flaws, unknown } = judge(evidence)
  expect(unknown).toEqual([])
  expect(flaws).toEqual({
    ...FLAWLESS,
    doubled: [expect.stringContaining('c1 (timer 1, at_most_once) was seen 2 times')],
  })
})

test('timers that end as unknown are named, with what was seen of them', () => {
  const evidence = story({ seen: [unseen], view: view('unknown', 'ambiguous') })
  expect(judge(evidence).unknown).toMatchObject([{ id: 1, dueAt: DUE, seen: { answer: 'hang' } }])
})

test('an id that was promised to two is found', () => {
  const once = story({})
  const [creation] = once.creations as [Creation]
  const other = { ...creation, key: 'c2' }
  // One of the two is stored nowhere.
  expect(found({ ...once, creations: [creation, other] })).toMatchObject({ shared: 1, lost: 1 })
  const nobody = { acknowledged: undefined, failure: 'STORE_UNAVAILABLE' }
  expect(found({ ...once, creations: [creation, { ...other, ...nobody }] })).toEqual({})
})

test('a request that nobody asked for is found', () => {
  const evidence = story({})
  const [sighting] = evidence.sightings as [Sighting]
  expect(found({ ...evidence, sightings: [sighting, { ...sighting, key: 'c9' }] })).toEqual({
    misreported: 1,
  })
})
