import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHAOS_ENDS_WITHIN_MS, runChaos } from './run-chaos.ts'

/** A plan with most of the faults in it, some at the same time. */
const SEED = 's44291'
const FEWEST_KINDS = 14
/** 36 s of creations and faults, then what is due within 20 s more. */
const MINUTES = '0.6'

describe('npm run chaos, for less than 90 seconds', () => {
  let out: string
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'timers-chaos-report-'))
  })
  afterAll(() => rm(out, { recursive: true, force: true }))

  test(
    'keeps every promise under faults, and writes its report',
    async () => {
      const plan = ['--seed', SEED, '--minutes', MINUTES, '--rate', '20']
      const { code, output } = await runChaos(...plan, '--out', out)
      // Whoever reads a failure wants the whole story.
      if (code !== 0) throw new Error(output)

      const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'))
      expect(report).toMatchObject({ seed: SEED, passed: true, crashes: [] })
      expect(Object.values(report.flaws).flat()).toEqual([])
      expect(Object.keys(report.faults).length).toBeGreaterThanOrEqual(FEWEST_KINDS)
      expect(report.counts.acknowledged).toBeGreaterThan(250)
      expect(report.counts.status.fired).toBeGreaterThan(150)
      // Changed, put by key, created again, cancelled by label, called back, sent again by hand, silent receivers, silent name servers: all of it happened.
      expect(report.counts.redrives['202']).toBeGreaterThan(5)
      expect(report.counts.changes.cancel['200']).toBeGreaterThan(10)
      expect(report.counts.changes.patch['200']).toBeGreaterThan(10)
      expect(report.counts.changes.fire['202']).toBeGreaterThan(0)
      expect(report.counts.puts['200']).toBeGreaterThan(10)
      expect(report.counts.sameCreates.replayed).toBeGreaterThan(10)
      expect(report.counts.sweeps.complete).toBeGreaterThan(0)
      expect(report.counts.callbacks.fired).toBeGreaterThan(10)
      expect(report.counts.toldUnknown).toBeGreaterThan(0)
      expect(report.counts.silent).toBeGreaterThan(200)
      expect(report.counts.namesUnanswered).toBeGreaterThan(0)
      expect(report.besideSilentMs.p50).toBeGreaterThanOrEqual(0)
      expect(output).toContain('PASSED')

      const page = await readFile(join(out, 'report.html'), 'utf8')
      expect(page).toContain('<svg')
      // Self-contained.
      expect(page).not.toMatch(/(src|href)=|url\(|@import/)
    },
    CHAOS_ENDS_WITHIN_MS + 10_000,
  )
})
