import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder, PRIVATE_FILE } from '../private-folder.ts'

/**
 * The configuration of a process under Sentinel, in its own folder: Sentinel has it rewritten when roles change, and writes its
 * own. So it is made once, where there is none; after that it is theirs.
 */
export async function ensureConfigFile(
  dataDir: string,
  lines: () => Promise<readonly (readonly string[])[]>,
): Promise<string> {
  const file = join(dataDir, 'redis.conf')
  if (existsSync(file)) return file
  const text = (await lines()).map(([name, ...values]) => `${name} ${values.map(quoted).join(' ')}\n`)
  makePrivateFolder(dataDir)
  writeFileSync(file, text.join(''), { mode: PRIVATE_FILE })
  return file
}

function quoted(value: string): string {
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value)
}
