import { LoginLimit, networkOf } from './login-limit.ts'

describe('networkOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:0:0:ffff:ffff:ffff:ffff', '2001:db8:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
  ])('of %s is %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network)
  })
})

describe('the limit of logins', () => {
  const wrong = async (limit: LoginLimit, ip: string, times: number) => {
    const waits = await Promise.all(Array.from({ length: times }, () => limit.begin(ip)))
    return waits.filter((waitMs) => waitMs === undefined).length
  }

  it('compares ten passwords a minute from one network, also when all come at once', async () => {
    const limit = new LoginLimit()
    expect(await wrong(limit, '192.0.2.1', 1_000)).toBe(10)
    expect(await wrong(limit, '2001:db8::1', 9)).toBe(9)
    expect(await wrong(limit, '2001:db8::2', 9)).toBe(1)
    expect(await limit.begin('2001:db8::3')).toBeLessThanOrEqual(60_000)
  })

  it('one guesser, however busy, leaves strangers their attempts', async () => {
    const limit = new LoginLimit()
    await wrong(limit, '192.0.2.1', 1_000)
    expect(await limit.begin('192.0.2.2')).toBeUndefined()
  })

  it('counts no right password', async () => {
    const limit = new LoginLimit()
    for (let count = 0; count < 500; count += 1) {
      expect(await limit.begin('192.0.2.1')).toBeUndefined()
      await limit.succeeded('192.0.2.1')
    }
    expect(await wrong(limit, '192.0.2.1', 20)).toBe(10)
  })

  it('a thousand guessers get a hundred attempts together, and who has logged in before is still heard', async () => {
    const limit = new LoginLimit()
    await limit.begin('198.51.100.1')
    await limit.succeeded('198.51.100.1')
    let compared = 0
    for (let guesser = 0; guesser < 1_000; guesser += 1) {
      compared += await wrong(limit, `10.0.${guesser >> 8}.${guesser & 255}`, 5)
    }
    expect(compared).toBe(100)
    expect(await limit.begin('198.51.100.1')).toBeUndefined()
    expect(await limit.begin('198.51.100.2')).toBeGreaterThan(0)
  })
})
