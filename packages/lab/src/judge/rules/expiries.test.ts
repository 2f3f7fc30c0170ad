import { attempt, type Case, DUE, found, iso, type Story, story, view } from '../story.ts'

/** Delivered, and it was told that it expired long after. */
const toldLater: Story = {
  creation: { expiresInMs: 1_000, mode: 'at_least_once' },
  view: { ...view('expired', 'delivered'), delivery: 'at_least_once', finished_at: iso(DUE + 7_000) },
}

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

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
    'and was delivered',
    {
      creation: { expiresInMs: 1_000 },
      view: { ...view('expired', 'delivered'), finished_at: iso(DUE + 900) },
    },
    { misreported: 1 },
  ],
  [
    'and of which a worker that was cut off tells later that it was delivered',
    {
      ...toldLater,
      evidence: { explain: () => 'a worker was cut off from Redis' },
    },
    {},
  ],
  [
    'and was delivered, and a worker was cut off at another time',
    {
      ...toldLater,
      evidence: { explain: ({ outcome }) => (outcome === 'interrupted' ? undefined : 'a busy receiver') },
    },
    { misreported: 1 },
  ],
  [
    'and of which a worker that stood still tells later that it was delivered',
    {
      creation: { expiresInMs: 1_000 },
      view: {
        ...view('expired'),
        attempts: 1,
        attempt_log: [{ ...attempt('delivered'), connect_ms: 30, response_ms: 7_000 }],
        finished_at: iso(DUE + 5_000),
      },
    },
    {},
  ],
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
