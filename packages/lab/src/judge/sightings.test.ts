import type { ReceivedRequest } from '../receivers/receiver.ts'
import { contentOf } from './api-client.ts'
import { callbackOf, sightingOf } from './sightings.ts'

function request(path: string, more: Partial<ReceivedRequest> = {}): ReceivedRequest {
  const id = Number(path.split('/').at(-1))
  const rest = { url: path, method: 'POST', headers: {}, receivedAt: 1, body: '', answeredAt: 2 }
  return { id, path, answer: {}, ...rest, ...more }
}

/** What a timer with this content makes the worker send. */
function sent(version: number): ReceivedRequest {
  const { url, payload, headers = {} } = contentOf('http://127.0.0.1/fast/c1-0', version)
  return request(`${new URL(url).pathname}/7`, { headers, body: JSON.stringify(payload) })
}

test('a request is known by the key in its path', () => {
  expect(sightingOf(request('/fast/c1-0/7'))).toEqual({
    key: 'c1-0',
    id: 7,
    receivedAt: 1,
    answer: 200,
    answeredAt: 2,
  })
})

test('what a timer is told to send is recognised when it comes', () => {
  expect(sightingOf(sent(3))).toMatchObject({ key: 'c1-0', id: 7, versions: [3] })
})

test('content of two versions is seen, wherever the other one is', () => {
  const other = sent(4)
  expect(sightingOf({ ...sent(3), body: other.body }).versions).toEqual([3, 4])
  expect(sightingOf({ ...sent(3), headers: other.headers }).versions).toEqual([3, 4])
  expect(sightingOf({ ...sent(3), path: other.path }).versions).toEqual([4, 3])
})

test('a callback is read, and what is none is not', () => {
  const body = JSON.stringify({ type: 'timer.failed', data: { timer: { id: 7, status: 'failed' } } })
  const headers = { 'webhook-id': 'x' }
  expect(callbackOf(request('/callback/c1-0', { body, headers }))).toEqual({
    id: 7,
    event: 'failed',
    webhookId: 'x',
    receivedAt: 1,
    isOperator: false,
    status: 'failed',
  })
  expect(callbackOf(request('/events', { body, headers }))).toMatchObject({ isOperator: true })
  for (const wrong of ['', '{}', '{"v":1}', 'null', '{"type":"other"}'])
    expect(callbackOf(request('/callback/c1-0', { body: wrong }))).toBeUndefined()
})
