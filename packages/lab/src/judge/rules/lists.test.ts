import { type Case, found, story } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

judged('the list of all timers', [
  ['shows each once', { evidence: { listed: [1] } }, {}],
  ['shows one twice', { evidence: { listed: [1, 1] } }, { misreported: 1 }],
  ['leaves one out', { evidence: { listed: [] } }, { misreported: 1 }],
])
