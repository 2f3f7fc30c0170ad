import type { Change } from '../answers.ts'
import { type Case, DUE, found, refusedBy, START, story, told } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

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
