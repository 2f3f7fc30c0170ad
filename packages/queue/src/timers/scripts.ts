import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

/** Includes whose functions most calls of a script do not need. */
interface Seldom {
  readonly includes: readonly string[]
  /** Functions of theirs, as the script's own `seldom()` returns them. */
  readonly gives: readonly string[]
}

/** The text of a script in the folder `lua/`, with those it includes before it. */
export function loadScript(name: string, ...includes: readonly (string | Seldom)[]): string {
  return [...includes.map(includeText), textOf(name)].join('')
}

/**
 * Every call of a script makes anew all the functions that stand before it, at some 0.1 us each; those that are seldom
 * needed stand in one function, `seldom()`, which makes and returns them where it is called.
 */
function includeText(include: string | Seldom): string {
  if (typeof include === 'string') return textOf(`includes/${include}`)
  const body = include.includes.map(includeText).join('')
  return `local function seldom()\n${body}return ${include.gives.join(', ')}\nend\n`
}

function textOf(name: string): string {
  return readFileSync(new URL(`../../lua/${name}.lua`, import.meta.url), 'utf8')
}

/** Makes a script a command of a connection, once. */
export function define(redis: Redis, name: string, numberOfKeys: number, lua: string): void {
  if (!(name in redis)) redis.defineCommand(name, { numberOfKeys, lua })
}
