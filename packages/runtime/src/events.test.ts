import { type EventSettings, eventsOf } from './events.ts'
import { SettingsError } from './settings-error.ts'

const settings = (more: Partial<EventSettings>): EventSettings => ({
  EVENTS_ON: ['failed', 'unknown'],
  DELIVERY_ALLOW_CIDRS: [],
  ...more,
})

function refusal(more: Partial<EventSettings>): string {
  try {
    eventsOf(settings(more))
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.join()
    throw error
  }
  throw new Error('it was accepted')
}

describe('eventsOf', () => {
  test('without EVENTS_URL nobody is told', () => {
    expect(eventsOf(settings({}))).toBeUndefined()
  })

  test('a status that is named twice is told of once', () => {
    const on = ['failed', 'failed', 'fired'] as const
    expect(eventsOf(settings({ EVENTS_URL: 'https://ops.example/events?x=1', EVENTS_ON: on }))).toEqual({
      url: 'https://ops.example/events?x=1',
      on: ['failed', 'fired'],
    })
  })

  test.each([
    'http://127.0.0.1:9/events',
    'http://[::1]/',
    'http://169.254.169.254/latest',
    'http://2130706433/',
  ])('%s does not start: nothing would ever arrive there', (url) => {
    expect(refusal({ EVENTS_URL: url })).toMatch(/^EVENTS_URL must not name an address that is not public/)
  })

  test('a private address that is opened is good', () => {
    const opened = settings({ EVENTS_URL: 'http://127.0.0.1:9/', DELIVERY_ALLOW_CIDRS: ['127.0.0.0/8'] })
    expect(eventsOf(opened)?.url).toBe('http://127.0.0.1:9/')
  })

  test('a password in the URL is refused, and is not in the message', () => {
    const told = refusal({ EVENTS_URL: 'https://ops:hunter2@ops.example/' })
    expect(told).toMatch(/^EVENTS_URL: url must not contain a user name or password/)
    expect(told).not.toContain('hunter2')
  })

  test('a network that is none is told by its own name', () => {
    const told = refusal({ EVENTS_URL: 'https://ops.example/', DELIVERY_ALLOW_CIDRS: ['10.0.0.0'] })
    expect(told).toMatch(/^DELIVERY_ALLOW_CIDRS: entry 1 is not a CIDR/)
  })
})
