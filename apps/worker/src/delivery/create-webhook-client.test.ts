import { randomBytes } from 'node:crypto'
import type { Log } from '@timers/core'
import { parseSettings, SettingsError } from '@timers/runtime'
import { workerSettings } from '../settings.ts'
import { announceDelivery, createWebhookClient } from './create-webhook-client.ts'

const secret = (bytes = 32): string => `whsec_${randomBytes(bytes).toString('base64')}`

function problemOf(env: Record<string, string>): string {
  try {
    createWebhookClient(parseSettings(workerSettings, env)).close()
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError)
    return (error as SettingsError).message
  }
}

function linesOf(env: Record<string, string>): string[] {
  const lines: string[] = []
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${JSON.stringify(fields)} ${message}`)
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  announceDelivery(parseSettings(workerSettings, env), log)
  return lines
}

describe('the delivery settings', () => {
  test.each([
    {},
    { DELIVERY_ALLOW_CIDRS: '127.0.0.0/8,::1/128' },
    { DELIVERY_ALLOW_CIDRS: '10.0.0.0/8, fd00::/8' },
    { DELIVERY_PROXY_URL: 'http://user:pass%20word@proxy.test:3128' },
    { WEBHOOK_SECRETS: secret() },
    { WEBHOOK_SECRETS: `${secret(24)}, ${secret(64)}` },
  ])('%j is taken', (env) => {
    expect(problemOf(env)).toBe('none')
  })

  test.each([
    ['DELIVERY_ALLOW_CIDRS', '10.7.7.7', 'a CIDR such as 10.0.0.0/8 or fd00::/8'],
    ['DELIVERY_ALLOW_CIDRS', '127.0.0.0/8 10.7.7.7/99', 'entry 2 is not a CIDR'],
    [
      'DELIVERY_PROXY_URL',
      'socks5://u:hunter2@proxy.test',
      'a URL such as http://user:password@proxy.example:3128',
    ],
    ['DELIVERY_PROXY_URL', 'http://u:hunter2@proxy.test:99999', 'not a URL such as'],
    ['WEBHOOK_SECRETS', 'whsec_hunter2', 'each whsec_ followed by 24 to 64 bytes in base64'],
    ['WEBHOOK_SECRETS', `${secret()} hunter2`, 'each whsec_ followed by 24 to 64 bytes in base64'],
  ])('%s=%s stops the start: by name, with what to write, without the value', (name, value, hint) => {
    const problem = problemOf({ [name]: value })
    expect(problem).toContain(name)
    expect(problem).toContain(hint)
    expect(problem).not.toMatch(/hunter2|10\.7\.7\.7|whsec_[A-Za-z0-9+/]{8}/)
  })

  test('all problems are told at once', () => {
    const problem = problemOf({ DELIVERY_ALLOW_CIDRS: 'x', DELIVERY_PROXY_URL: 'http://proxy.test:99999' })
    expect(problem).toContain('DELIVERY_ALLOW_CIDRS')
    expect(problem).toContain('DELIVERY_PROXY_URL')
  })

  test('opened networks and a proxy are announced loudly, without a secret', () => {
    const lines = linesOf({
      DELIVERY_ALLOW_CIDRS: '10.0.0.0/8',
      DELIVERY_PROXY_URL: 'http://user:hunter2@proxy.test:3128',
      WEBHOOK_SECRETS: secret(),
    })
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(
      /^warn \{"allowCidrs":\["10\.0\.0\.0\/8"\]\} DELIVERY_ALLOW_CIDRS opens networks/,
    )
    expect(lines[1]).toMatch(/^warn \{"proxy":"http:\/\/proxy\.test:3128"\}/)
    expect(lines.join()).not.toMatch(/hunter2|whsec_/)
    expect(linesOf({})).toEqual([])
  })
})
