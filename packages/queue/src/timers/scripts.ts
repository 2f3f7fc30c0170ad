import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

/** The text of a script in the folder `lua/`, with those it includes before it. */
export function loadScript(name: string, ...includes: readonly string[]): string {
  const names = [...includes.map((include) => `includes/${include}`), name]
  return names.map((each) => readFileSync(new URL(`../../lua/${each}.lua`, import.meta.url), 'utf8')).join('')
}

/** Makes a script a command of a connection, once. */
export function define(redis: Redis, name: string, numberOfKeys: number, lua: string): void {
  if (!(name in redis)) redis.defineCommand(name, { numberOfKeys, lua })
}
