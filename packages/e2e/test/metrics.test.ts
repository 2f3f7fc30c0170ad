import { readFileSync } from 'node:fs'
import { eventually, Installation, postTimer, stablePort } from '@timers/lab'
import { alertRules } from '../src/alert-rules.ts'

const SERVICES = ['api', 'worker'] as const
type Service = (typeof SERVICES)[number]

/** A row of the table in docs/operations.md. */
interface Row {
  readonly name: string
  readonly kind: string
  readonly from: readonly string[]
}

function documented(): Row[] {
  const text = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  return [...text.matchAll(/^\| `(timers_\w+)` \| (\w+)[^|]* \| ([^|]+) \|/gm)].map(
    ([, name = '', kind = '', from = '']) => ({ name, kind, from: from.split(', ') }),
  )
}

/** What the rules select of our own: `timers_x{label="value"}`. A rule's own record (`timers:x`) and the parts of templates are none. */
function selected(): string[] {
  const expressions = alertRules().replace(/^ *(#|summary:|description:).*$/gm, '')
  return [...new Set(expressions.match(/\b(timers_|process_)\w+(\{[^}]*\})?/g))]
}

/** What the one Redis of this test has not: a replica, and a limit of its memory. */
const OF_OTHER_REDIS = new Set(['timers_redis_replica_lag_seconds', 'timers_redis_memory_max_bytes'])

/** Whether a sample of /metrics is one that the selector would find. */
function matches(sample: string, selector: string): boolean {
  const [name = '', conditions = ''] = selector.split(/[{}]/)
  const [found = '', labels = ''] = sample.split(/[{}]/)
  return (
    found === name &&
    [...conditions.matchAll(/(\w+)(=~|=)"([^"]*)"/g)].every(([, label, operator, wanted = '']) => {
      const value = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(labels)?.[1] ?? ''
      return operator === '=' ? value === wanted : new RegExp(`^(?:${wanted})$`).test(value)
    })
  )
}

describe('what the built services export', () => {
  let installation: Installation
  const exported: Record<Service, string[]> = { api: [], worker: [] }

  beforeAll(async () => {
    installation = await Installation.start({ apis: 1, workers: 0 })
    const port = await stablePort()
    await installation.startWorker({ HEALTH_PORT: port })
    const urls = { api: installation.apiUrl, worker: `http://127.0.0.1:${port}` }
    for (const service of SERVICES) {
      // Until Redis was looked at, gauges of what is there have no series.
      await eventually(async () => {
        const lines = (await (await fetch(`${urls[service]}/metrics`)).text()).split('\n')
        exported[service] = lines
        expect(lines).toContainEqual(expect.stringMatching(/^timers_oldest_overdue_seconds\{/))
      })
    }
  }, 60_000)
  afterAll(() => installation?.close())

  const kindsOf = (service: Service): Map<string, string> =>
    new Map(
      exported[service].flatMap((line) => {
        const [, name = '', kind = ''] = /^# TYPE (timers_\w+) (\w+)$/.exec(line) ?? []
        return name === '' ? [] : [[name, kind]]
      }),
    )

  test.each(SERVICES)('is what docs/operations.md says of the %s, and nothing else', (service) => {
    const rows = documented().filter(({ from }) => from.includes(service))
    const table = Object.fromEntries(rows.map(({ name, kind }) => [name, kind]))
    expect(table).toEqual(Object.fromEntries(kindsOf(service)))
  })

  test.each(selected().filter((selector) => !OF_OTHER_REDIS.has(selector)))(
    'has a series for the rules to find, before any event: %s',
    (selector) => {
      const samples = [...exported.api, ...exported.worker]
      expect(samples.filter((sample) => matches(sample, selector))).not.toEqual([])
    },
  )
})

describe('timers that their receiver holds back', () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await Installation.start({
      apis: 1,
      workers: 1,
      respond: () => 'hang',
      env: { DELIVERY_MAX_PER_ORIGIN: 1 },
    })
  })
  afterAll(() => installation?.close())

  test('are overdue although a worker lives: the API tells how many, and how late', async () => {
    const { apiUrl: url, receiver } = installation
    for (let count = 0; count < 5; count++) await postTimer(url, { seconds: 1, url: receiver.hookUrl })
    const gauge = async (name: string) => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return Number(new RegExp(`^${name}\\{.*\\} (.+)$`, 'm').exec(text)?.[1])
    }
    await eventually(
      async () => {
        expect(await gauge('timers_deferred')).toBe(4)
        expect(await gauge('timers_overdue')).toBe(4)
        expect(await gauge('timers_oldest_overdue_seconds')).toBeGreaterThan(3)
      },
      { timeoutMs: 12_000 },
    )
  })
})
