import { once } from 'node:events'
import { eventually, timed } from '@timers/lab'
import { api, BODY, open, openHalfSent, port, problemIn, redis, request } from './sockets-bed.ts'

describe('a client that closes its half of the connection', () => {
  it.each([1, 3])('got no answer, though its %i timers were created', async (count) => {
    const { socket, received, closed } = await open()
    socket.end(request().repeat(count))
    await closed
    expect(received().match(/HTTP\/1\.1 201 Created/g)).toHaveLength(count)
    expect(received().match(/"id":\d+/g)).toHaveLength(count)
  })

  it('before it has sent anything is let go', async () => {
    const { socket, received, closed } = await open()
    socket.end()
    await closed
    expect(received()).toBe('')
  })

  it('in the middle of a request is told so', async () => {
    const { socket, received, closed } = await open()
    socket.end('POST /timers HTTP/1.1\r\nhost: x\r\n')
    await closed
    expect(problemIn(received())).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  it('in the middle of a body creates nothing', async () => {
    const { socket, received, closed } = await open()
    socket.end(request().slice(0, -5))
    await closed
    expect(received()).not.toMatch(/ 201 /)
    expect((await api.app.inject('/metrics')).payload).toMatch(/^timers_created_total\{service="api"\} 0$/m)
  })
})

describe('what comes too slowly', () => {
  it('is answered with 408', async () => {
    // Node looks for late requests every two seconds, as the server is set up.
    api.app.server.headersTimeout = 50
    const { closed, received, socket } = await open()
    socket.write('GET /ping HTTP/1.1\r\nhost:')
    await closed
    expect(received()).toMatch(/^HTTP\/1\.1 408 /)
    expect(problemIn(received())).toMatchObject({ status: 408, code: 'REQUEST_TIMEOUT' })
  })
})

describe('a body that is too large', () => {
  it('can still be sent to its end, and the answer be read', async () => {
    const reply = await fetch(`http://127.0.0.1:${port}/timers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'x'.repeat(4_000_000),
    })
    expect(reply.status).toBe(413)
    expect(await reply.json()).toMatchObject({ code: 'BODY_TOO_LARGE' })
  })

  it('is noticed without a length, too', async () => {
    const { socket, received } = await open()
    socket.write(
      'POST /timers HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    )
    for (let chunk = 0; chunk < 5; chunk += 1) socket.write(`1000\r\n${'x'.repeat(4_096)}\r\n`)
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 413 /))
  })
})

describe('a connection', () => {
  it('serves on after a refused request, and requests one after the other in order', async () => {
    const { socket, received } = await open()
    socket.write(request('{broken') + request() + request('{}') + request())
    await eventually(() => expect(received().match(/HTTP\/1\.1 \d+/g)).toHaveLength(4))
    expect(received().match(/HTTP\/1\.1 (\d+)/g)).toEqual([
      'HTTP/1.1 400',
      'HTTP/1.1 201',
      'HTTP/1.1 400',
      'HTTP/1.1 201',
    ])
  })

  it('serves on after a body that was refused unread, and takes one of no chunks for none', async () => {
    const { socket, received } = await open()
    const fire = 'POST /timers/999999999/fire HTTP/1.1\r\nhost: x\r\n'
    const text = 'x'.repeat(1_000_000)
    socket.write(`${fire}content-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
    socket.write(`${fire}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`)
    await eventually(() =>
      expect(received().match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 415', 'HTTP/1.1 404']),
    )
  })

  it('that ends before the body of its request is no defect of ours', async () => {
    const problems = async (code: string) => {
      const { payload } = await api.app.inject('/metrics')
      return Number(
        new RegExp(`^timers_api_problems_total\\{.*code="${code}".*\\} (\\d+)$`, 'm').exec(payload)?.[1],
      )
    }
    const before = await problems('UNSUPPORTED_MEDIA_TYPE')
    const { socket } = await openHalfSent(
      'POST /timers/1/fire HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\n',
    )
    socket.destroy()
    await eventually(async () => expect(await problems('UNSUPPORTED_MEDIA_TYPE')).toBe(before + 1))
    expect(await problems('INTERNAL_ERROR')).toBe(0)
  })

  it('says 100-continue to those who ask before they send', async () => {
    const { socket, received } = await open()
    const [head, body] = request(BODY, ['expect: 100-continue']).split('\r\n\r\n')
    socket.write(`${head}\r\n\r\n`)
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 100 Continue/))
    socket.write(body ?? '')
    await eventually(() => expect(received()).toMatch(/HTTP\/1\.1 201 /))
  })
})

describe('closing', () => {
  it('finishes the request in flight, says so to the connection, and waits for no one else', async () => {
    const idle = await open()
    idle.socket.write('GET /ping HTTP/1.1\r\nhost: x\r\n\r\n')
    await eventually(() => expect(idle.received()).toContain('pong'))
    const untouched = await open()

    redis.pause()
    const busy = await open()
    const arrived = once(api.app.server, 'request')
    busy.socket.write(request())
    await arrived
    const closing = api.app.close()
    await Promise.all([idle.closed, untouched.closed])
    expect(busy.received()).toBe('')

    redis.resume()
    const { tookMs } = await timed(() => Promise.all([closing, busy.closed]))
    expect(tookMs).toBeLessThan(500)
    expect(busy.received()).toMatch(/^HTTP\/1\.1 201 Created\r\n/)
    expect(busy.received()).toMatch(/connection: close\r\n/i)
    await expect(fetch(`http://127.0.0.1:${port}/ping`)).rejects.toThrow('fetch failed')
  })

  it('answers requests that were half sent when it began, and /readyz with 503', async () => {
    const late = await openHalfSent('GET /readyz HTTP/1.1\r\nhost: x\r\n')
    const closing = api.app.close()
    late.socket.write('\r\n')
    await closing
    await late.closed
    expect(late.received()).toMatch(/^HTTP\/1\.1 503 .*\r\n/)
    expect(problemIn(late.received())).toMatchObject({
      code: 'NOT_READY',
      problems: ['the service is stopping'],
    })
  })

  it('cuts a request that never ends, before the deadline of the shutdown', async () => {
    const slow = await openHalfSent('POST /timers HTTP/1.1\r\nhost: x\r\n')
    const { tookMs } = await timed(() => api.app.close())
    expect(tookMs).toBeLessThan(1_000)
    await slow.closed
    expect(slow.received()).toBe('')
  })
})
