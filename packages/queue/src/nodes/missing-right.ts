/** How Redis says that its user may not do something: alone, in a script (7.0 names nothing there), and since 7.2. */
const DENIED = /^NOPERM\b|^ERR The user executing the script can't|ACL failure in script/

/** Whether a user of Redis lacks a right: somebody has to give it, and waiting does not help. */
export function lacksRight(error: unknown): boolean {
  return error instanceof Error && DENIED.test(error.message)
}

/** Which right is missing, in words for an operator; undefined where none is. */
export function missingRight(error: unknown): string | undefined {
  if (!lacksRight(error)) return undefined
  const { message } = error as Error
  const command = /run the '(?<name>[^']+)' command/.exec(message)?.groups?.name
  return `Redis does not let its user ${denied(message, command)}: docs/redis.md has the rights that each service needs`
}

function denied(message: string, command: string | undefined): string {
  if (command !== undefined) return `run ${command.replace('|', ' ').toUpperCase()} (+${command})`
  if (/\bkeys?\b/.test(message)) return 'touch a key of ours (~timers:*)'
  if (/\bchannels?\b/.test(message)) return 'listen to a channel'
  return 'run a command that our scripts use'
}
