import { Turns } from './turns.ts'

const NOW = 1_000_000
const MINUTE = 60_000

/** How far away the turns of so many are that ask at the same time. */
const turnsOf = (count: number, intervalMs: number, wish = {}) => {
  const turns = new Turns()
  return Array.from({ length: count }, () => turns.next(NOW, intervalMs, wish) - NOW)
}

describe('Turns', () => {
  test('lie one after the other, none nearer than a quarter of a second', () => {
    expect(turnsOf(3, 100)).toEqual([350, 450, 550])
    expect(turnsOf(3, 0)).toEqual([251, 252, 253])
  })

  test('begin when they may', () => {
    expect(turnsOf(2, 100, { notBefore: NOW + 5_000 })).toEqual([5_100, 5_200])
  })

  test('keep the space between them, and the first one does not wait for it', () => {
    expect(turnsOf(3, 10, { spacingMs: 200 })).toEqual([260, 460, 660])
  })

  test.each([
    ['a minute', 'is not late', 0, MINUTE],
    ['a minute', 'is late by less', MINUTE / 2, MINUTE],
    ['as long as it is late', 'is late by more', 5 * MINUTE, 5 * MINUTE],
    ['a quarter of an hour', 'is late by hours', 600 * MINUTE, 15 * MINUTE],
  ])('lie within %s for one that %s', (_, __, lateMs, mostMs) => {
    expect(Math.max(...turnsOf(2_000, 1_000, { lateMs }))).toBe(mostMs)
  })

  test('tell whether somebody waits, for a second after the last one', () => {
    const turns = new Turns()
    expect(turns.waited(NOW)).toBe(false)
    turns.next(NOW, 100)
    expect(turns.waited(NOW + 1_300)).toBe(true)
    expect(turns.waited(NOW + 1_400)).toBe(false)
  })
})
