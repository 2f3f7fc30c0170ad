import { type Case, found, story } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

const labels = ['crowd']

judged('the list of all timers', [
  ['shows each once', { evidence: { lists: [{ ids: [1] }] } }, {}],
  ['shows one twice', { evidence: { lists: [{ ids: [1, 1] }] } }, { misreported: 1 }],
  ['leaves one out', { evidence: { lists: [{ ids: [] }] } }, { misreported: 1 }],
  ['shows one that is none', { evidence: { lists: [{ ids: [1, 2] }] } }, { misreported: 1 }],
])

judged('the list of a status', [
  ['shows those that have it', { evidence: { lists: [{ status: 'fired', ids: [1] }] } }, {}],
  ['shows no others', { evidence: { lists: [{ status: 'failed', ids: [] }] } }, {}],
  ['shows another', { evidence: { lists: [{ status: 'failed', ids: [1] }] } }, { misreported: 1 }],
  ['leaves one out', { evidence: { lists: [{ status: 'fired', ids: [] }] } }, { misreported: 1 }],
])

judged('the list of a label', [
  ['shows those that have it', { view: { labels }, evidence: { lists: [{ label: 'crowd', ids: [1] }] } }, {}],
  ['shows another', { evidence: { lists: [{ label: 'crowd', ids: [1] }] } }, { misreported: 1 }],
  [
    'leaves one out',
    { view: { labels }, evidence: { lists: [{ label: 'crowd', ids: [] }] } },
    { misreported: 1 },
  ],
])

judged('the counts by status', [
  ['are right', { evidence: { counts: { fired: 1, failed: 0 } } }, {}],
  ['are wrong', { evidence: { counts: { fired: 0, failed: 1 } } }, { misreported: 2 }],
])
