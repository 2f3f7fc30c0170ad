import { readFileSync } from 'node:fs'

const FOLDER = new URL('../../../../deploy/redis/', import.meta.url)

/** A user of an ACL file of this repository. */
export interface AclUser {
  readonly name: string
  /** As `ACL SETUSER` takes them: `off ~timers:* +get ...`. */
  readonly rules: readonly string[]
  /** What it may use: `get`, `config|get`. */
  readonly commands: readonly string[]
}

/** The users of `deploy/redis/<file>`: what the documents tell to copy. */
export function readAclUsers(file: string): AclUser[] {
  const lines = readFileSync(new URL(file, FOLDER), 'utf8').trim().split('\n')
  return lines.map((line) => {
    const [keyword, name = '', ...rules] = line.split(' ')
    if (keyword !== 'user') throw new Error(`${file}: a line of it does not begin with "user"`)
    const commands = rules.filter((rule) => rule.startsWith('+')).map((rule) => rule.slice(1))
    return { name, rules, commands }
  })
}
