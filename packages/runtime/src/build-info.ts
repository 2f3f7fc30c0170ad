import { readFileSync } from 'node:fs'

/** The version of this software: all packages have the same, and it stands in their package.json only. */
export function softwareVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return version
}
