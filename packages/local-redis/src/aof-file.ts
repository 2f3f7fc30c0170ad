import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The file of the AOF that Redis appends to: the last one of the manifest (Redis 7 and newer). Undefined where there is none. */
export function lastAofFile(dataDir: string): string | undefined {
  const folder = join(dataDir, 'appendonlydir')
  if (!existsSync(folder)) return undefined
  const manifest = readdirSync(folder).find((name) => name.endsWith('.manifest'))
  if (manifest === undefined) return undefined
  const lines = readFileSync(join(folder, manifest), 'utf8').trim().split('\n')
  const name = /^file (\S+) seq \d+ type i/.exec(lines.at(-1) ?? '')?.[1]
  const path = name && join(folder, name)
  return path !== undefined && path !== '' && existsSync(path) ? path : undefined
}
