import { createMetrics } from './metrics.ts'

const read = async ({ registry }: ReturnType<typeof createMetrics>, name: string) =>
  (await registry.getSingleMetricAsString(name)).split('\n').filter((line) => !line.startsWith('#'))

describe('createMetrics', () => {
  test('a gauge is read when it is asked for, and tells no old value and no 0 where there is none', async () => {
    const metrics = createMetrics('example')
    let value: number | undefined
    metrics.gauge('timers_level', 'Level', () => value)
    expect(await read(metrics, 'timers_level')).toEqual([])
    value = 4
    expect(await read(metrics, 'timers_level')).toEqual(['timers_level{service="example"} 4'])
    value = 5
    expect(await read(metrics, 'timers_level')).toEqual(['timers_level{service="example"} 5'])
    value = undefined
    expect(await read(metrics, 'timers_level')).toEqual([])
  })

  test('the first event of a counter is seen by increase(): labels that are known begin at 0', async () => {
    const metrics = createMetrics('example')
    const counter = metrics.counter('timers_things_total', 'Things', ['kind'], [{ kind: 'a' }, { kind: 'b' }])
    counter.inc({ kind: 'b' })
    expect(await read(metrics, 'timers_things_total')).toEqual([
      'timers_things_total{kind="a",service="example"} 0',
      'timers_things_total{kind="b",service="example"} 1',
    ])
  })

  test('a total is what its keeper says, however often it is asked for', async () => {
    const metrics = createMetrics('example')
    let kept = 0
    metrics.total('timers_restarts_total', 'Restarts', () => kept)
    expect(await read(metrics, 'timers_restarts_total')).toEqual([
      'timers_restarts_total{service="example"} 0',
    ])
    kept = 2
    await read(metrics, 'timers_restarts_total')
    expect(await read(metrics, 'timers_restarts_total')).toEqual([
      'timers_restarts_total{service="example"} 2',
    ])
  })

  test('a counter counts by label', async () => {
    const metrics = createMetrics('example')
    const counter = metrics.counter('timers_things_total', 'Things', ['kind'])
    counter.inc({ kind: 'a' })
    counter.inc({ kind: 'b' }, 2)
    expect(await read(metrics, 'timers_things_total')).toEqual([
      'timers_things_total{kind="a",service="example"} 1',
      'timers_things_total{kind="b",service="example"} 2',
    ])
  })

  test('a histogram tells 10 ms from 20 ms', async () => {
    const metrics = createMetrics('example')
    metrics.histogram('timers_lateness_seconds', 'Lateness').observe(0.015)
    const lines = await read(metrics, 'timers_lateness_seconds')
    expect(lines).toContain('timers_lateness_seconds_bucket{le="0.01",service="example"} 0')
    expect(lines).toContain('timers_lateness_seconds_bucket{le="0.02",service="example"} 1')
  })

  test('a histogram can have buckets of its own, and labels', async () => {
    const metrics = createMetrics('example')
    const options = { buckets: [0.0005, 0.1], labelNames: ['route'] as const }
    metrics.histogram('timers_request_seconds', 'Requests', options).observe({ route: '/' }, 0.0004)
    expect(await read(metrics, 'timers_request_seconds')).toEqual([
      'timers_request_seconds_bucket{le="0.0005",service="example",route="/"} 1',
      'timers_request_seconds_bucket{le="0.1",service="example",route="/"} 1',
      'timers_request_seconds_bucket{le="+Inf",service="example",route="/"} 1',
      'timers_request_seconds_sum{service="example",route="/"} 0.0004',
      'timers_request_seconds_count{service="example",route="/"} 1',
    ])
  })

  test('every service tells its version', async () => {
    const lines = await read(createMetrics('example'), 'timers_build_info')
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^timers_build_info{version="\\d+\\.\\d+\\.\\d+",node="${process.versions.node}",service="example"} 1$`,
        ),
      ),
    ])
  })

  test('two in one process do not share a registry', () => {
    const [one, other] = [createMetrics('one'), createMetrics('other')]
    one.gauge('timers_same', 'Same', () => 1)
    other.gauge('timers_same', 'Same', () => 2)
    expect(one.registry).not.toBe(other.registry)
  })
})
