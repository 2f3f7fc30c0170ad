import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { alertRules, PROMETHEUS_FOLDER, quickened } from '../src/alert-rules.ts'
import { ensurePrometheus } from '../src/prometheus-binary.ts'

const binaries = await ensurePrometheus((line) => process.stderr.write(`${line}\n`))
const describeWithPrometheus = binaries === undefined ? describe.skip : describe

const promtool = (...args: string[]) =>
  promisify(execFile)(binaries?.promtool ?? '', args, { cwd: PROMETHEUS_FOLDER })

const alerts = [...alertRules().matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)

describeWithPrometheus('promtool', () => {
  test('check rules', async () => {
    expect((await promtool('check', 'rules', 'rules.yml')).stdout).toContain('SUCCESS')
  })

  test('check config: the example loads the rules', async () => {
    expect((await promtool('check', 'config', 'prometheus.yml')).stdout).toContain('SUCCESS: 1 rule files')
  })

  test('test rules: no worker, a first unknown, a held-back receiver, clock skew, a full disk, and more', async () => {
    expect((await promtool('test', 'rules', 'rules.test.yml')).stdout).toContain('SUCCESS')
  })
})

describe('each alert', () => {
  const tests = readFileSync(`${PROMETHEUS_FOLDER}rules.test.yml`, 'utf8').split(/- (?:\{ )?eval_time:/)
  const testsOf = (alert: string) => tests.filter((text) => new RegExp(`alertname: ${alert}\\b`).test(text))
  const operations = readFileSync(`${PROMETHEUS_FOLDER}../../docs/operations.md`, 'utf8')

  test.each(alerts)('%s is tested where it fires', (alert) => {
    expect(testsOf(alert).some((text) => text.includes('exp_labels'))).toBe(true)
  })

  test.each(alerts)('%s is tested where it stays silent', (alert) => {
    expect(testsOf(alert).some((text) => text.includes('exp_alerts: []'))).toBe(true)
  })

  test.each(alerts)('%s says what to do, and where that is explained', (alert) => {
    const [, rule = ''] = alertRules().split(new RegExp(`- alert: ${alert}\\n`))
    const [own = ''] = rule.split('- alert: ')
    expect(own).toMatch(/severity: (warning|critical)/)
    expect(own).toMatch(/summary: .+\n +description: .+/)
    expect(own).toContain(`runbook: docs/operations.md#${alert.toLowerCase()}\n`)
    expect(operations).toMatch(new RegExp(`^#+ ${alert}$`, 'm'))
  })
})

test('a quickened copy of the rules has no minutes left', () => {
  const quick = quickened(alertRules(), 20)
  expect(quick).toContain('for: 3000ms')
  expect(quick).toContain('[30000ms]')
  expect(quick).not.toMatch(/for: \d+m$|\[\d+m\]/m)
})
