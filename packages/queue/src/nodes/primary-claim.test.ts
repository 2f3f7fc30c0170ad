import { jest } from '@jest/globals'
import { PrimaryClaim } from './primary-claim.ts'

const OLD = { host: '10.0.0.1', port: 1 }
const NEW = { host: '10.0.0.1', port: 2 }

describe('who is primary, of all that is said', () => {
  test('whoever was named by the newest promotion, whoever is asked last', () => {
    const claim = new PrimaryClaim()
    expect(claim.address).toBeUndefined()
    expect(claim.hear(OLD, 3)).toBe(true)
    expect(claim.hear(NEW, 4)).toBe(true)
    expect(claim.hear(OLD, 3)).toBe(false)
    expect(claim.address).toEqual(NEW)
    expect(claim.hear(NEW, 4)).toBe(false)
  })

  test('a replica that is being promoted is believed before those who have not heard of it, and not before those who have', () => {
    const claim = new PrimaryClaim()
    claim.hear(OLD, 3)
    expect(claim.hearPromoted(NEW, 3)).toBe(true)
    expect(claim.hear(OLD, 3)).toBe(false)
    expect(claim.hear(OLD, 4)).toBe(true)
    expect(claim.hearPromoted(NEW, 3)).toBe(false)
    expect(claim.address).toEqual(OLD)
  })

  describe('what nobody confirms', () => {
    beforeEach(() => {
      jest.useFakeTimers()
    })
    afterEach(() => {
      jest.useRealTimers()
    })

    test('is believed for ten seconds: Sentinels that were set up anew begin with epoch 0', () => {
      const claim = new PrimaryClaim()
      claim.hear(OLD, 3)
      jest.advanceTimersByTime(9_000)
      expect(claim.hear(NEW, 0)).toBe(false)
      jest.advanceTimersByTime(1_500)
      expect(claim.hear(NEW, 0)).toBe(true)
    })

    test('and the server itself denies is believed for a second, and on where it is confirmed', () => {
      const claim = new PrimaryClaim()
      claim.hear(OLD, 3)
      claim.doubt(NEW)
      claim.doubt(OLD)
      expect(claim.hear(NEW, 2)).toBe(false)
      claim.hear(OLD, 3)
      jest.advanceTimersByTime(1_500)
      expect(claim.hear(NEW, 2)).toBe(false)
      claim.doubt(OLD)
      jest.advanceTimersByTime(1_500)
      expect(claim.hear(NEW, 2)).toBe(true)
    })
  })
})
