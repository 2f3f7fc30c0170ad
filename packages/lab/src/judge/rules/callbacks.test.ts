import { attempt, type Case, cancel, cancelled, DUE, found, story, view } from '../story.ts'

function judged(name: string, cases: Case[]): void {
  describe(name, () => {
    test.each(cases)('%s', (_case, told, expected) => {
      expect(found(story(told))).toEqual(expected)
    })
  })
}

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

const failed = {
  seen: [{ answer: 500 }],
  view: {
    ...view('failed', 'rejected'),
    response_status: 500,
    attempt_log: [attempt('rejected', DUE + 2, 500)],
  },
}
const operatorOn = ['failed']
judged('an event of any timer', [
  ['comes', { ...failed, callbacks: [{ event: 'failed', isOperator: true }], evidence: { operatorOn } }, {}],
  ['never comes', { ...failed, evidence: { operatorOn } }, { untold: 1 }],
  [
    'comes to the client, who did not want it, and not to the operator',
    { ...failed, callbacks: [{ event: 'failed' }], evidence: { operatorOn } },
    { untold: 1, misreported: 1 },
  ],
  [
    'comes to both, each under an id of its own',
    {
      ...failed,
      creation: called,
      callbacks: [{ event: 'failed' }, { event: 'failed', webhookId: 'b', isOperator: true }],
      evidence: { operatorOn },
    },
    {},
  ],
])
