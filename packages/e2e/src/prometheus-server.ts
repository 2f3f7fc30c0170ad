import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, stablePort } from '@timers/lab'
import { endWithThisProcess } from '@timers/local-redis'

export interface PrometheusOptions {
  /** How to call it. */
  readonly binary: string
  /** Text of a rules file. */
  readonly rules: string
  /** Addresses (`127.0.0.1:3000`) to scrape every second, by job. */
  readonly jobs: Readonly<Record<string, readonly string[]>>
}

/** A Prometheus of a test's own, which must `stop()` it. */
export interface PrometheusServer {
  /** Names of the alerts that are firing now. */
  firing(): Promise<string[]>
  /** Value of each series that an expression gives, by the label `service`. */
  query(expression: string): Promise<Record<string, number>>
  stop(): Promise<void>
}

/** Starts a Prometheus on a free port; resolves when it answers. */
export async function startPrometheus({ binary, rules, jobs }: PrometheusOptions): Promise<PrometheusServer> {
  const folder = await mkdtemp(join(tmpdir(), 'timers-prometheus-'))
  const port = await stablePort()
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: Object.entries(jobs).map(([name, targets]) => ({
      job_name: name,
      static_configs: [{ targets }],
    })),
  }
  await writeFile(join(folder, 'rules.yml'), rules)
  // JSON is YAML too.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const child = spawn(
    binary,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  endWithThisProcess(child, 'SIGKILL')
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    if (!response.ok) throw new Error(`Prometheus answered ${response.status} to ${path}`)
    return (await response.json()) as T
  }
  try {
    await eventually(() => get('/api/v1/status/config'), { timeoutMs: 20_000 })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    firing: async () => {
      const { data } = await get<Alerts>('/api/v1/alerts')
      return data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname)
    },
    query: async (expression) => {
      const { data } = await get<Result>(`/api/v1/query?query=${encodeURIComponent(expression)}`)
      return Object.fromEntries(data.result.map(({ metric, value }) => [metric.service, Number(value[1])]))
    },
    stop,
  }
}

interface Alerts {
  readonly data: { readonly alerts: readonly { state: string; labels: { alertname: string } }[] }
}

interface Result {
  readonly data: { readonly result: readonly { metric: { service: string }; value: [number, string] }[] }
}
