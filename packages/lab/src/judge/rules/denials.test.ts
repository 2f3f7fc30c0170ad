import { type Case, DUE, found, START, story } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

const missed = (askedAt: number, of: { id?: number; ownKey?: string } = { id: 1 }) => ({
  evidence: { misses: [{ id: undefined, askedAt, ...of }] },
})
const keyed = { creation: { ownKey: 'mine' } }
const deniedByKey = { kind: 'cancel', id: undefined, answer: 404, code: 'TIMER_NOT_FOUND' } as const

judged('a 404', [
  ['for a timer that was promised before', missed(START + 2), { denied: 1 }],
  ['for one that has long fired', missed(DUE + 60_000), { denied: 1 }],
  ['before it was promised', missed(START + 1), {}],
  ['for a timer that is not there', missed(DUE, { id: 7 }), {}],
  [
    'for a timer that nobody was promised',
    {
      ...missed(DUE),
      seen: [],
      view: 'missing',
      creation: { acknowledged: undefined, failure: 'STORE_UNAVAILABLE' },
    },
    {},
  ],
  [
    'by key, for a timer that was promised before',
    { ...keyed, ...missed(DUE, { ownKey: 'mine' }) },
    { denied: 1 },
  ],
  ['by key, before it was promised', { ...keyed, ...missed(START, { ownKey: 'mine' }) }, {}],
  ['by another key', { ...keyed, ...missed(DUE, { ownKey: 'yours' }) }, {}],
  ['to a cancel by key of what was promised before', { ...keyed, changes: [deniedByKey] }, { denied: 1 }],
  ['to a cancel by key before', { ...keyed, changes: [{ ...deniedByKey, askedAt: START }] }, {}],
])
