import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHAOS_ENDS_WITHIN_MS, runChaos } from './run-chaos.ts'

/** What clusters add, and enough beside it. */
const FAULTS = [
  ...['primary-lost', 'primary-freeze', 'primary-cut', 'failover', 'slots-move', 'redis-flush'],
  ...['worker-kill', 'worker-stop', 'api-kill', 'net-drop', 'net-reset', 'net-cut'],
]
/** A plan in which a primary is failed over, a slot moves, and a primary is lost for good, each with time to recover. */
const SEED = 'k813'
const PLAN = ['--redis', 'cluster', '--seed', SEED, '--minutes', '0.6', '--rate', '12']

describe('npm run chaos -- --redis cluster, for less than 90 seconds', () => {
  let out: string
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'timers-chaos-report-'))
  })
  afterAll(() => rm(out, { recursive: true, force: true }))

  test(
    'keeps every promise while primaries are replaced and a slot moves',
    async () => {
      const { code, output } = await runChaos(...PLAN, '--faults', FAULTS.join(), '--out', out)
      // Whoever reads a failure wants the whole story.
      if (code !== 0) throw new Error(output)

      const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'))
      expect(report).toMatchObject({ seed: SEED, passed: true, crashes: [] })
      expect(Object.values(report.flaws).flat()).toEqual([])
      const happened = Object.keys(report.faults)
      expect(happened).toEqual(expect.arrayContaining(['failover', 'worker-kill']))
      // On a slow machine one that comes too soon after another is left out.
      expect(happened.filter((kind) => ['slots-move', 'primary-lost'].includes(kind))).not.toEqual([])
      expect(report.unservedSeconds).toHaveLength(8)
      expect(report.counts.acknowledged).toBeGreaterThan(100)
      expect(report.counts.status.fired).toBeGreaterThan(50)
    },
    CHAOS_ENDS_WITHIN_MS + 10_000,
  )
})
