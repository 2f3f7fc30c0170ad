import { eventually, fixedClock } from '../src/index.ts'

describe('eventually', () => {
  test('gives what the assertion returned once it stops throwing', async () => {
    let calls = 0
    const value = await eventually(
      () => {
        calls += 1
        if (calls < 3) throw new Error('not yet')
        return calls
      },
      { intervalMs: 1 },
    )
    expect(value).toBe(3)
  })

  test('throws the last error with the time it waited', async () => {
    const never = eventually(() => expect(1).toBe(2), { timeoutMs: 20, intervalMs: 5 })
    await expect(never).rejects.toThrow(/^Still so after \d+ ms: .*toBe/s)
  })
})

test('a fixed clock moves only when told to', () => {
  const clock = fixedClock(1_000)
  clock.advance(250)
  expect(clock.now()).toBe(1_250)
})
