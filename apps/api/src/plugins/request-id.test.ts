import { createRequestIds } from './request-id.ts'

describe('request ids', () => {
  it('are unique, also among processes', () => {
    const [first, second] = [createRequestIds(), createRequestIds()]
    const ids = Array.from({ length: 1_000 }, (_, index) => (index % 2 ? first : second)({ headers: {} }))
    expect(new Set(ids).size).toBe(1_000)
  })

  it.each(['0af7651916cd43dd8448eb211c80319c', '00-a_b.c', 'x'.repeat(64)])('keep a given %.40s', (given) => {
    expect(createRequestIds()({ headers: { 'x-request-id': given } })).toBe(given)
  })

  it.each(['', ' ', 'a b', 'a\tb', '<script>', '"', 'x'.repeat(65), ['a', 'b']])(
    'replace a given %j',
    (given) => {
      const headers = { 'x-request-id': given as string }
      expect(createRequestIds()({ headers })).toMatch(/^[0-9a-f]{10}-1$/)
    },
  )
})
