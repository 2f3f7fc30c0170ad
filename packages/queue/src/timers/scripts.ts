import { readFileSync } from 'node:fs'

/** The text of a script in the folder `lua/`, with those it includes before it. */
export function loadScript(name: string, ...includes: readonly string[]): string {
  const names = [...includes.map((include) => `includes/${include}`), name]
  return names.map((each) => readFileSync(new URL(`../../lua/${each}.lua`, import.meta.url), 'utf8')).join('')
}
