import { LoginLimit } from './login-limit.ts'

describe('the limit of logins', () => {
  /** How many of so many wrong passwords, all at once, are compared. */
  const compared = async (limit: LoginLimit, ip: string, times: number) => {
    const attempts = await Promise.all(Array.from({ length: times }, () => limit.begin(ip)))
    return attempts.filter(({ heard }) => heard).length
  }
  const logIn = async (limit: LoginLimit, ip: string) => {
    const attempt = await limit.begin(ip)
    if (attempt.heard) await attempt.succeeded()
    return attempt.heard
  }

  it('compares ten passwords a minute from one network, also when all come at once', async () => {
    const limit = new LoginLimit()
    expect(await compared(limit, '192.0.2.1', 1_000)).toBe(10)
    expect(await compared(limit, '2001:db8::1', 9)).toBe(9)
    expect(await compared(limit, '2001:db8::2', 9)).toBe(1)
    const refused = await limit.begin('2001:db8::3')
    expect(refused).toEqual({ heard: false, waitMs: expect.any(Number) })
  })

  it('one guesser, however busy, leaves strangers their attempts', async () => {
    const limit = new LoginLimit()
    await compared(limit, '192.0.2.1', 1_000)
    expect(await logIn(limit, '192.0.2.2')).toBe(true)
  })

  it('counts no right password, one by one or several at once', async () => {
    const limit = new LoginLimit()
    for (let address = 0; address < 200; address += 1) {
      const ip = `192.0.2.${address}`
      expect(await Promise.all([1, 2, 3].map(() => logIn(limit, ip)))).toEqual([true, true, true])
      expect(await logIn(limit, ip)).toBe(true)
    }
    expect(await compared(limit, '192.0.2.1', 20)).toBe(10)
    expect(await compared(limit, '198.51.100.1', 20)).toBe(10)
  })

  it('a thousand guessers get a hundred attempts together, and who has logged in before is still heard', async () => {
    const limit = new LoginLimit()
    expect(await logIn(limit, '198.51.100.1')).toBe(true)
    let total = 0
    for (let guesser = 0; guesser < 1_000; guesser += 1) {
      total += await compared(limit, `10.0.${guesser >> 8}.${guesser & 255}`, 5)
    }
    expect(total).toBe(100)
    expect(await logIn(limit, '198.51.100.1')).toBe(true)
    expect(await logIn(limit, '198.51.100.2')).toBe(false)
  })
})
