import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const PROMETHEUS_FOLDER = fileURLToPath(new URL('../../../deploy/prometheus/', import.meta.url))

export const alertRules = (): string => readFileSync(`${PROMETHEUS_FOLDER}rules.yml`, 'utf8')

/** The same rules with every `for` and every range so many times shorter, for a test that cannot wait for minutes. */
export function quickened(rules: string, times: number): string {
  const shorter = (range: string): string => `${(Number.parseInt(range, 10) * 60_000) / times}ms`
  return rules.replace(/(?<=^ +for: )\d+m$|(?<=\[)\d+m(?=\])/gm, shorter)
}
