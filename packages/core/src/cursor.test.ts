import fc from 'fast-check'
import { readCursor, writeCursor } from './cursor.ts'

const position = { dueAt: 1_790_000_000_000, id: 17 }
const listing = { filter: { statuses: ['pending', 'failed'], label: 'a' }, order: 'asc' } as const
const refusal = expect.objectContaining({ code: 'INVALID_CURSOR', field: 'cursor' })

describe('a cursor', () => {
  it('is read as it was written, with filters that mean the same', () => {
    const cursor = writeCursor(position, listing)
    expect(cursor).toMatch(/^[\w-]+$/)
    expect(readCursor(cursor, listing)).toEqual(position)
    const same = { filter: { label: 'a', statuses: ['failed', 'pending'] }, order: 'asc' } as const
    expect(readCursor(cursor, same)).toEqual(position)
  })

  it.each([
    ['another order', { ...listing, order: 'desc' }],
    ['another label', { ...listing, filter: { ...listing.filter, label: 'b' } }],
    ['one status less', { ...listing, filter: { ...listing.filter, statuses: ['pending'] } }],
    ['one filter more', { ...listing, filter: { ...listing.filter, dueFrom: 0 } }],
    [
      'a filter as the value of another',
      { ...listing, filter: { statuses: ['pending', 'failed'], origin: 'a' } },
    ],
    ['another owner', { ...listing, filter: { ...listing.filter, owner: 'b' } }],
  ] as const)('is refused with %s', (_name, other) => {
    expect(() => readCursor(writeCursor(position, listing), other)).toThrow(refusal)
  })

  it.each([
    ['nothing', ''],
    ['words', 'next please'],
    ['two of them', ['a', 'b']],
    ['an instant that no clock shows', Buffer.from('9000000000000000.1.AAAAAAAAAAA').toString('base64url')],
    ['an id that is none', Buffer.from('1.0.AAAAAAAAAAA').toString('base64url')],
  ])('is refused where it is %s', (_name, cursor) => {
    expect(() => readCursor(cursor, listing)).toThrow(refusal)
  })

  it('that was tampered with is refused, or is a position', () => {
    const cursor = writeCursor(position, listing)
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.string({ maxLength: 3 }), (at, put) => {
        try {
          const read = readCursor(cursor.slice(0, at) + put + cursor.slice(at + 1), listing)
          expect(Number.isSafeInteger(read.dueAt) && Number.isSafeInteger(read.id)).toBe(true)
        } catch (error) {
          expect(error).toEqual(refusal)
        }
      }),
    )
  })
})
