import fc from 'fast-check'
import { readBulkCursor, writeBulkCursor } from './bulk-cursor.ts'

const listing = { filter: { statuses: ['failed'], label: 'a' }, order: 'asc' } as const
const onward = {
  after: { dueAt: 1_790_000_000_000, id: 17 },
  walk: 'abcdefghijklmnopqrstu_',
  sendFrom: 1_790_000_123_456,
}
const refusal = expect.objectContaining({ code: 'INVALID_CURSOR', field: 'cursor' })

describe('a cursor of a bulk action', () => {
  it.each([onward, { ...onward, sendFrom: undefined }, { ...onward, after: { dueAt: 0, id: 1 } }])(
    'is read as it was written: %j',
    (given) => {
      const cursor = writeBulkCursor(given, listing)
      expect(cursor).toMatch(/^[\w.-]+$/)
      expect(readBulkCursor(cursor, listing)).toEqual(given)
    },
  )

  it('is refused with other filters', () => {
    const other = { ...listing, filter: { ...listing.filter, label: 'b' } }
    expect(() => readBulkCursor(writeBulkCursor(onward, listing), other)).toThrow(refusal)
  })

  it('that was tampered with is refused, or says where to go on', () => {
    const cursor = writeBulkCursor(onward, listing)
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.string({ maxLength: 3 }), (at, put) => {
        try {
          const read = readBulkCursor(cursor.slice(0, at) + put + cursor.slice(at + 1), listing)
          expect(Number.isSafeInteger(read.after.dueAt) && Number.isSafeInteger(read.after.id)).toBe(true)
          expect(read.sendFrom === undefined || Number.isSafeInteger(read.sendFrom)).toBe(true)
        } catch (error) {
          expect(error).toEqual(refusal)
        }
      }),
    )
  })
})
