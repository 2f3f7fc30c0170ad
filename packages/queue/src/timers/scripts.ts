import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

/**
 * The text of a script in the folder `lua/`, with those it includes before it. An include with `()` is another command, as a
 * function with KEYS and ARGV of its own.
 */
export function loadScript(name: string, ...includes: readonly string[]): string {
  return [...includes.map(included), textOf(name)].join('')
}

function included(name: string): string {
  if (!name.endsWith('()')) return textOf(`includes/${name}`)
  const command = name.slice(0, -2)
  return `local function ${command}(KEYS, ARGV)\n${textOf(command)}end\n`
}

function textOf(name: string): string {
  return readFileSync(new URL(`../../lua/${name}.lua`, import.meta.url), 'utf8')
}

/** Makes a script a command of a connection, once. Without a number of keys it is told with each call, before the keys. */
export function define(redis: Redis, name: string, numberOfKeys: number | undefined, lua: string): void {
  if (!(name in redis))
    redis.defineCommand(name, { ...(numberOfKeys !== undefined && { numberOfKeys }), lua })
}
