import { AnswerEnd } from './answer-end.ts'

const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'
const empty = 'HTTP/1.1 204 No Content\r\n\r\n'
const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'

function endsThere(text: string, pieceLength: number): boolean {
  const end = new AnswerEnd()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieceLength) end.push(bytes.subarray(at, at + pieceLength))
  return end.isExactly(bytes.length)
}

describe.each([1, 3, 1_000])('in pieces of %d bytes', (pieceLength) => {
  test.each([plain, chunked, empty, plain.replace('2\r\n\r\nok', '0\r\n\r\n')])(
    '%j ends where it should',
    (text) => {
      expect(endsThere(text, pieceLength)).toBe(true)
      for (const surplus of ['\r\n', '\r\n\r\n', 'H', 'HTTP/1.1 200 OK\r\n', plain]) {
        expect(endsThere(text + surplus, pieceLength)).toBe(false)
      }
    },
  )

  test.each([
    plain.slice(0, -1),
    chunked.slice(0, -2),
    'HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX-Content-Length: 0\r\n\r\n',
    interim + plain,
    chunked.replace(/\r\n$/, 'checksum: 1\r\n\r\n'),
    'HTTP/1.1 200 OK\r\n',
    '',
  ])('of %j that is not known', (text) => {
    expect(endsThere(text, pieceLength)).toBe(false)
  })
})

test('bytes that it was not shown are a surplus', () => {
  const end = new AnswerEnd()
  end.push(Buffer.from(plain))
  expect(end.isExactly(plain.length + 1)).toBe(false)
})
