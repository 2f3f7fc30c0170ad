import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  endOfText,
  nameIn,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './body-scan.ts'

/** A body that holds a list of items, taken apart. */
export interface ItemsScan {
  /** The items as they were written: each is a text to be scanned and parsed by itself. */
  readonly items: readonly Buffer[]
  /** The body with a 0 in the place of each item. */
  readonly rest: string
}

/**
 * Takes a body in UTF-8 apart into the items of its member `list` and what is around them, so that an item which is
 * nested too deep, or names a field twice, is refused alone.
 *
 * Linear in the length of the body, whatever it holds. Like `scanBody` it does not judge: the body is JSON where the rest
 * and each of the items are.
 *
 * @returns undefined where there are more than `most` items
 */
export function scanItems(body: Buffer, list: string, most: number): ItemsScan | undefined {
  const items: Buffer[] = []
  const rest: string[] = []
  let depth = 0
  let field: string | undefined
  let nameExpected = false
  let inList = false
  /** Where an item begins, or what belongs to the rest. */
  let from = 0

  const endItem = (end: number): void => {
    if (!isBlank(body, from, end)) {
      items.push(body.subarray(from, end))
      rest.push('0')
    }
    from = end
  }

  for (let at = 0; at < body.length; at += 1) {
    switch (body[at]) {
      case QUOTE: {
        const close = endOfText(body, at)
        if (nameExpected) field = nameIn(body.toString('utf8', at, close + 1))
        nameExpected = false
        at = close
        break
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        depth += 1
        nameExpected = depth === 1 && body[at] === OPEN_OBJECT
        if (!inList && depth === 2 && field === list && body[at] === OPEN_ARRAY) {
          inList = true
          rest.push(body.toString('utf8', from, at + 1))
          from = at + 1
        }
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (inList && depth === 2) {
          endItem(at)
          inList = false
        }
        depth -= 1
        break
      case COMMA:
        if (inList && depth === 2) {
          endItem(at)
          if (items.length > most) return undefined
          rest.push(',')
          from = at + 1
        }
        if (depth === 1) {
          nameExpected = field !== undefined
          field = undefined
        }
        break
    }
  }
  if (items.length > most) return undefined
  rest.push(body.toString('utf8', from))
  return { items, rest: rest.join('') }
}

function isBlank(body: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if ((body[at] as number) > 0x20) return false
  return true
}
