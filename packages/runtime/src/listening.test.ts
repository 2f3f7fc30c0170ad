import { createServer } from 'node:net'
import { listening } from './listening.ts'
import { SettingsError } from './settings-error.ts'

describe('listening', () => {
  it.each([
    ['EADDRINUSE', 'PORT 80 is taken by another process'],
    ['EACCES', 'PORT 80 may not be used by this user'],
    ['EADDRNOTAVAIL', 'HOST must be an address of this machine'],
  ])('turns %s into a settings error that names the variable', async (code, message) => {
    const refused = listening('PORT', 80, () => Promise.reject(Object.assign(new Error('listen'), { code })))
    await expect(refused).rejects.toThrow(SettingsError)
    await expect(refused).rejects.toThrow(message)
  })

  it('passes other errors on, and the result', async () => {
    const bug = new Error('a bug')
    await expect(listening('PORT', 80, () => Promise.reject(bug))).rejects.toBe(bug)
    await expect(listening('PORT', 80, async () => 'address')).resolves.toBe('address')
  })

  it('recognises a real server on the port', async () => {
    const listen = (port: number) =>
      new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
        const server = createServer().once('error', reject)
        server.listen(port, '127.0.0.1', () => resolve(server))
      })
    const first = await listen(0)
    const { port } = first.address() as { port: number }
    await expect(listening('DASHBOARD_PORT', port, () => listen(port))).rejects.toThrow(
      `DASHBOARD_PORT ${port} is taken`,
    )
    await new Promise((resolve) => first.close(resolve))
  })
})
