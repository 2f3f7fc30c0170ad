import { type Receiver, type ReceiverOptions, startReceiver } from '../src/index.ts'

describe('startReceiver', () => {
  let receiver: Receiver | undefined

  async function start(options: ReceiverOptions = {}): Promise<Receiver> {
    receiver = await startReceiver(options)
    return receiver
  }

  afterEach(() => receiver?.close())

  test('records what came, and counts by id', async () => {
    const { hookUrl, requests, countById } = await start()
    const before = Date.now()
    await fetch(`${hookUrl}/7?x=1`, { method: 'POST', body: 'hello', headers: { 'webhook-id': 'w' } })
    await fetch(`${hookUrl}/7`, { method: 'POST' })
    await fetch(`${hookUrl}/8`, { method: 'POST' })
    expect(countById()).toEqual(
      new Map([
        [7, 2],
        [8, 1],
      ]),
    )
    expect(requests[0]).toMatchObject({
      id: 7,
      path: '/hook/7',
      url: '/hook/7?x=1',
      method: 'POST',
      body: 'hello',
    })
    expect(requests[0]?.headers['webhook-id']).toBe('w')
    expect(requests[0]?.receivedAt).toBeGreaterThanOrEqual(before)
    expect(requests[0]?.answeredAt).toBeGreaterThanOrEqual(before)
  })

  test('answers by the script', async () => {
    const { url } = await start({
      respond: ({ id }) => {
        if (id === 1) return { status: 503, body: 'later', headers: { 'retry-after': '2' } }
        return id === 2 ? 'reset' : 'close'
      },
    })
    const answer = await fetch(`${url}/1`)
    expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([
      503,
      '2',
      'later',
    ])
    await expect(fetch(`${url}/2`)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    await expect(fetch(`${url}/3`)).rejects.toThrow()
  })

  test('a request is recorded before its answer, and a delay delays only the answer', async () => {
    const { url, requests, waitFor } = await start({ respond: () => ({ delayMs: 30 }) })
    const answer = fetch(`${url}/1`)
    await waitFor(() => requests.length === 1)
    expect(requests[0]?.answeredAt).toBeUndefined()
    await answer
    const [request] = requests
    expect((request?.answeredAt ?? 0) - (request?.receivedAt ?? 0)).toBeGreaterThanOrEqual(29)
  })

  test('waitFor says how many came when it waited in vain', async () => {
    const { waitFor } = await start()
    await expect(waitFor(() => false, 10)).rejects.toThrow('waited 10 ms in vain; 0 requests')
  })

  test('close ends requests that hang', async () => {
    const started = await start({ respond: () => 'hang' })
    const answer = fetch(`${started.url}/1`)
    const failed = expect(answer).rejects.toThrow()
    await started.waitFor((requests) => requests.length === 1)
    await started.close()
    await failed
    receiver = undefined
  })
})
