import type { JudgedTimer } from '../judged-timer.ts'
import { possibleAt } from '../register.ts'
import { contents } from '../writes.ts'

/** Sent with other content than it had, as far as clients were told, or with parts of two contents. */
export function staleContents(timer: JudgedTimer): string[] {
  if (timer.creation.version === undefined) return []
  const writes = contents(timer)
  return timer.seen.flatMap(({ versions = [], receivedAt }) => {
    if (versions.length !== 1) return [`was sent with the contents ${versions.join(' and ') || 'of none'}`]
    const possible = possibleAt(writes, receivedAt)
    return versions
      .filter((version) => !possible.includes(version))
      .map((version) => `was sent with content ${version}, where it had ${possible.join(' or ')}`)
  })
}
