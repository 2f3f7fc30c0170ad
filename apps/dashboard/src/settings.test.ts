import { parseSettings, SettingsError } from '@timers/runtime'
import { dashboardSettings } from './settings.ts'

const PASSWORD = 'correct horse'

describe('the settings of the dashboard', () => {
  it('have defaults for all but the password', () => {
    expect(parseSettings(dashboardSettings, { DASHBOARD_PASSWORD: PASSWORD })).toEqual({
      REDIS_URL: 'redis://127.0.0.1:6379',
      REDIS_REPLICA_ACKS: 0,
      TIMER_SHARDS: 1,
      LOG_LEVEL: 'info',
      HOST: '0.0.0.0',
      DASHBOARD_PORT: 3_001,
      DASHBOARD_USER: 'admin',
      DASHBOARD_PASSWORD: PASSWORD,
      ALLOWED_HOSTS: [],
      TRUSTED_PROXIES: [],
      SHUTDOWN_TIMEOUT_MS: 10_000,
    })
  })

  it('are each described', () => {
    for (const [name, setting] of Object.entries(dashboardSettings.properties)) {
      expect([name, setting.description]).toEqual([name, expect.stringMatching(/\w{3}/)])
    }
  })

  it.each([undefined, '', 'seven77', 'with\nline break'])(
    'refuse to start with the password %j',
    (password) => {
      const parse = () => parseSettings(dashboardSettings, { DASHBOARD_PASSWORD: password })
      expect(parse).toThrow(SettingsError)
      expect(parse).toThrow('DASHBOARD_PASSWORD must be given, and at least 8 characters long')
      if (password) expect(parse).not.toThrow(password)
    },
  )

  it('refuse a user with a colon, which no login could carry', () => {
    const env = { DASHBOARD_PASSWORD: PASSWORD, DASHBOARD_USER: 'a:b' }
    expect(() => parseSettings(dashboardSettings, env)).toThrow(
      'DASHBOARD_USER must be a name without colons',
    )
  })
})
