import { setTimeout as sleep } from 'node:timers/promises'
import { timed } from '../src/index.ts'

describe('timed', () => {
  test('gives what the work gave, and how long it waited', async () => {
    const { value, tookMs } = await timed(() => sleep(200, 'done'))
    expect(value).toBe('done')
    // On a busy machine some of the wait was no wait.
    expect(tookMs).toBeGreaterThan(20)
  })

  test('a process that stood still for half a second was told as a product that is late', async () => {
    const { tookMs } = await timed(async () => {
      await sleep(1)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
      await sleep(1)
    })
    expect(tookMs).toBeLessThan(250)
  })

  test('fails as the work does', async () => {
    await expect(timed(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug')
  })
})
