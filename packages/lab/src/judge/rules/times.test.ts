import { attempt, type Case, DUE, found, iso, START, story, told, view } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

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

/** A timer that was seen so late, with Redis away for so long meanwhile. */
const late = (lateMs: number, awayMs: number | undefined, promptWithinMs: number | undefined = 5_000) => ({
  seen: [{ receivedAt: DUE + lateMs }],
  evidence: {
    promptWithinMs: () => promptWithinMs,
    unservedMs: (id: number, from: number, to: number) =>
      id === 1 && from === DUE && to === DUE + lateMs ? awayMs : 0,
  },
})

judged('a timer that is due while nodes are broken', [
  ['may be as late as its shard could not be served, and a second', late(4_900, 4_000), {}],
  ['and no later', late(5_001, 4_000), { slow: 1 }],
  ['may not wait for the nodes of other shards', late(1_001, 0), { slow: 1 }],
  ['is not judged while something else is broken, too', late(9_000, undefined), {}],
  [
    'is not judged where its receiver is no good',
    { ...late(9_000, 0), evidence: { unservedMs: () => 0 } },
    {},
  ],
  [
    'is not judged where its first attempt came to nothing',
    {
      ...late(9_000, 0),
      view: {
        attempts: 2,
        attempt_log: [attempt('never_sent'), { ...attempt('delivered', DUE + 8_990), attempt: 2 }],
      },
    },
    {},
  ],
])
