import { readFileSync } from 'node:fs'
import type { Command, Redis } from 'ioredis'

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

/** Of scripts that a worker has confirmed by replicas: their SHA-1, as they stand on some connection. */
const confirmed = new Set<string>()

/** What of ioredis' clients is told to nobody. */
interface ClientInside {
  readonly scriptsSet: Readonly<Record<string, { readonly sha: string }>>
}

/** Makes a script a command of a connection, once. Without a number of keys it is told with each call, before the keys. */
export function define(redis: Redis, name: string, numberOfKeys: number | undefined, lua: string): void {
  if (!(name in redis))
    redis.defineCommand(name, { ...(numberOfKeys !== undefined && { numberOfKeys }), lua })
}

/** As `define`; it counts only when replicas have what it writes, also where a worker calls it (nodes/acks.ts). */
export function defineConfirmed(redis: Redis, name: string, numberOfKeys: number, lua: string): void {
  define(redis, name, numberOfKeys, lua)
  // Its text may have been changed as it was defined (consumer/bullmq-scripts.ts).
  const script = (redis as unknown as ClientInside).scriptsSet[name]
  if (script !== undefined) confirmed.add(script.sha)
}

export function isConfirmedScript({ name, args }: Command): boolean {
  return name === 'evalsha' && confirmed.has(String(args[0]))
}
