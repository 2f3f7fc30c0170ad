import { api, open, problemIn } from './sockets-bed.ts'

describe('what is not HTTP', () => {
  it.each([
    ['garbage', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a bad header', 'GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'both lengths',
      'POST /timers HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'a URL of 20 KB',
      `GET /timers/${'1'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    [
      'headers of 20 KB',
      `GET /ping HTTP/1.1\r\nhost: x\r\nx: ${'1'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    [
      'another expectation',
      'GET /ping HTTP/1.1\r\nhost: x\r\nexpect: cake\r\nconnection: close\r\n\r\n',
      417,
      'EXPECTATION_FAILED',
    ],
    ['no Host', 'GET /ping HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'two Hosts',
      'GET /ping HTTP/1.1\r\nhost: x\r\nHost: y\r\nconnection: close\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'one Host twice',
      'GET /ping HTTP/1.1\r\nhost: x\r\nhost: x\r\nconnection: close\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'a Host that is none',
      'GET /ping HTTP/1.1\r\nhost: a b/c\r\nconnection: close\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 404, 'NOT_FOUND'],
  ])('is answered with a problem: %s', async (_name, text, status, code) => {
    const connection = await open()
    connection.socket.write(text)
    await connection.closed
    expect(connection.received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\n`))
    expect(connection.received()).toMatch(/content-type: application\/problem\+json\r\n/i)
    expect(problemIn(connection.received())).toMatchObject({ status, code })
  })
})

it('is counted by its code, like any other problem', async () => {
  const connection = await open()
  connection.socket.write('hello\r\n\r\n')
  await connection.closed
  const { payload } = await api.app.inject('/metrics')
  expect(payload).toMatch(/^timers_api_problems_total\{code="BAD_REQUEST",service="api"\} 1$/m)
})

it('HTTP/1.0 has no Host', async () => {
  const connection = await open()
  connection.socket.write('GET /ping HTTP/1.0\r\n\r\n')
  await connection.closed
  expect(connection.received()).toMatch(/^HTTP\/1\.1 200 /)
})
