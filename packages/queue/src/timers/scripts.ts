import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

/** Includes whose functions most calls of a script do not need. */
interface Seldom {
  readonly includes: readonly string[]
  /** Functions of theirs, by whose names the script finds them in what `seldom()` returns. */
  readonly gives: readonly string[]
}

/**
 * The text of a script in the folder `lua/`, with those it includes before it. An include with `()` is another command, as a
 * function with KEYS and ARGV of its own.
 */
export function loadScript(name: string, ...includes: readonly (string | Seldom)[]): string {
  return [...includes.map(included), textOf(name)].join('')
}

/**
 * Every call of a script makes anew all the functions that stand before it, at some 0.1 us each; those that are seldom
 * needed stand in one function, `seldom()`, which makes them where it is called.
 */
function included(include: string | Seldom): string {
  if (typeof include !== 'string') {
    const texts = include.includes.map(included).join('')
    const members = include.gives.map((name) => `${name} = ${name}`).join(', ')
    return `local function seldom()\n${texts}return { ${members} }\nend\n`
  }
  if (!include.endsWith('()')) return textOf(`includes/${include}`)
  const command = include.slice(0, -2)
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
