import { parseSettings } from '@timers/runtime'
import { apiSettings } from './settings.ts'

describe('the settings of the API', () => {
  it('have defaults for all', () => {
    expect(parseSettings(apiSettings, {})).toEqual({
      REDIS_URL: 'redis://127.0.0.1:6379',
      REDIS_REPLICA_ACKS: 0,
      TIMER_SHARDS: 1,
      LOG_LEVEL: 'info',
      DELIVERY_ALLOW_CIDRS: [],
      EVENTS_ON: ['failed', 'unknown', 'expired', 'cancelled'],
      HOST: '0.0.0.0',
      ALLOWED_HOSTS: [],
      PORT: 3_000,
      MAX_TIMER_SECONDS: 31_536_000,
      SHUTDOWN_TIMEOUT_MS: 10_000,
    })
  })

  it('are each described', () => {
    for (const [name, setting] of Object.entries(apiSettings.properties)) {
      expect([name, setting.description]).toEqual([name, expect.stringMatching(/\w{3}/)])
    }
  })

  it('take host names without ports', () => {
    const parse = (hosts: string) => parseSettings(apiSettings, { ALLOWED_HOSTS: hosts }).ALLOWED_HOSTS
    expect(parse('timers.example,10.0.0.7 [fd00::7]')).toEqual(['timers.example', '10.0.0.7', '[fd00::7]'])
    for (const wrong of ['timers.example:3000', 'http://timers.example', 'fd00::7']) {
      expect(() => parse(wrong)).toThrow('ALLOWED_HOSTS must be a list of host names without ports')
    }
  })

  it.each([
    ['PORT', '65536'],
    ['MAX_CONNECTIONS', '0'],
    ['MAX_CONNECTIONS_PER_ADDRESS', 'none'],
    ['PORT', 'http'],
    ['MAX_TIMER_SECONDS', '0'],
    ['MAX_TIMER_SECONDS', '1e3'],
    ['MAX_TIMER_SECONDS', '315360001'],
    ['SHUTDOWN_TIMEOUT_MS', '10s'],
  ])('refuse %s=%s', (name, value) => {
    expect(() => parseSettings(apiSettings, { [name]: value })).toThrow(`${name} must be a whole number from`)
  })
})
