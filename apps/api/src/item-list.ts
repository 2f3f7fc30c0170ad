import { TimerError } from '@timers/core'
import { scanItems } from './items-scan.ts'
import { problem } from './problems/problem.ts'
import { ProblemError } from './problems/problem-error.ts'

/** What stands for an item of a list that could not be read. */
export class UnreadableItem {
  readonly error: TimerError | ProblemError

  constructor(error: TimerError | ProblemError) {
    this.error = error
  }
}

/**
 * Reads a body that holds a list of items, each as `parse` reads a body: what is wrong with one stands in its place.
 *
 * @throws ProblemError where there are too many, and what `parse` throws where the body is not JSON, or is wrong around
 * the items
 */
export function parseItems(
  body: Buffer,
  name: string,
  most: number,
  parse: (text: Buffer) => unknown,
): unknown {
  const found = scanItems(body, name, most)
  if (found === undefined) {
    const message = `${name} must be a list of at most ${most}`
    throw new ProblemError(problem('INVALID_BODY', message, [{ field: name, message }]))
  }
  const around = parse(Buffer.from(found.rest))
  if (found.items.length === 0) return around
  const items = found.items.map((text) => {
    try {
      return parse(text)
    } catch (error) {
      if (error instanceof TimerError || error instanceof ProblemError) return new UnreadableItem(error)
      throw error
    }
  })
  return Object.assign(around as object, { [name]: items })
}
