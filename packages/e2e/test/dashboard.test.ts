import { DASHBOARD_PASSWORD, DASHBOARD_USER, eventually, postTimer } from '@timers/lab'
import { getWithLogin } from '../src/dashboard-client.ts'
import { installations } from './installations.ts'

describe('the dashboard', () => {
  const start = installations()

  test('shows the timers to who logs in, and nothing to anyone else', async () => {
    const running = await start({ workers: 0 })
    const dashboard = await running.bootDashboard()
    await dashboard.ready(`${dashboard.url}/readyz`)
    await postTimer(running.apiUrl, { hours: 1, url: running.receiver.hookUrl })

    for (const path of ['/', '/api/queues']) {
      const anonymous = await fetch(dashboard.url + path)
      expect(anonymous.status).toBe(401)
      expect(anonymous.headers.get('www-authenticate')).toMatch(/^Basic /)
      expect(await anonymous.text()).not.toContain('shard')
      expect((await getWithLogin(dashboard.url + path, DASHBOARD_USER, 'wrong password')).status).toBe(401)
    }
    const page = await getWithLogin(dashboard.url, DASHBOARD_USER, DASHBOARD_PASSWORD)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    await eventually(async () => {
      const board = await getWithLogin(`${dashboard.url}/api/queues`, DASHBOARD_USER, DASHBOARD_PASSWORD)
      expect(await board.json()).toMatchObject({ queues: [{ name: 'shard 0', counts: { delayed: 1 } }] })
    })
    expect(await dashboard.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  })

  test('recovers by itself when Redis was away at its start', async () => {
    const running = await start({ apis: 0, workers: 0 })
    await running.redis.kill()
    const dashboard = await running.bootDashboard()
    const board = () => getWithLogin(`${dashboard.url}/api/queues`, DASHBOARD_USER, DASHBOARD_PASSWORD)
    expect((await fetch(`${dashboard.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${dashboard.url}/readyz`)).status).toBe(503)
    expect((await board()).status).toBe(503)

    await running.redis.restart()
    await dashboard.ready(`${dashboard.url}/readyz`)
    expect((await board()).status).toBe(200)
  })
})
