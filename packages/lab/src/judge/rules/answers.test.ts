import { type Case, DUE, found, REST, refusedBy, story, told, view } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

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
    'may be what was said, also where its worker says later that nothing had left',
    {
      seen: [],
      view: { ...view('unknown', 'never_sent'), status: 'fired' },
      changes: [{ ...resolve, answer: 503 }],
    },
    {},
  ],
  [
    'is lost where nobody had said so',
    { seen: [], view: { ...view('unknown', 'never_sent'), status: 'fired' } },
    { lost: 1, misreported: 2 },
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

const reads = (status: 'fired' | 'cancelled') => [
  { id: 1, askedAt: DUE + 80, answeredAt: DUE + 90, status, attempts: 1 } as const,
]
const failover = { mayForget: () => true, restAt: REST }
judged('a timer that is unknown, after a read told that it was over', [
  ['is found', { view: unknown, evidence: { tellings: reads('fired'), restAt: REST } }, { misreported: 1 }],
  [
    'has fired, and a failover forgot that',
    { view: unknown, evidence: { tellings: reads('fired'), ...failover } },
    {},
  ],
  [
    'was said to be fired by a client, which no failover forgets',
    { view: unknown, changes: [resolve], evidence: failover },
    { misreported: 2 },
  ],
  [
    'is of another attempt than the one that a failover forgot',
    {
      view: view('unknown', 'ambiguous'),
      evidence: { tellings: reads('fired'), ...failover },
    },
    { misreported: 1 },
  ],
  [
    'was cancelled, which no failover forgets',
    { view: unknown, evidence: { tellings: reads('cancelled'), ...failover } },
    { misreported: 1 },
  ],
])

test('a timer whose status goes back from its end is found', () => {
  const tellings = [
    { id: 1, askedAt: DUE + 80, answeredAt: DUE + 90, status: 'cancelled', attempts: 0 } as const,
  ]
  expect(found(story({ evidence: { tellings, restAt: REST } }))).toEqual({ misreported: 1 })
})
