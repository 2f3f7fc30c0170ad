import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  endOfText,
  MAX_DEPTH,
  nameIn,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './body-scan.ts'

/** What the text of a body that holds a list of items shows before it is parsed. */
export interface ItemsScan {
  /** What ended the scan: it is nested deeper than anything may be, outside the items, or there are more than `most`. */
  readonly ended: 'too deep' | 'too many' | undefined
  /** A name that stands twice in the object of the body itself. */
  readonly repeated: string | undefined
  /** The items as they were written: each is to be scanned and parsed by itself. */
  readonly items: readonly Buffer[]
  /** The body with a 0 in the place of each item: whether it is JSON around them. */
  readonly rest: string
}

/**
 * Looks once over a body in UTF-8 for the items of its member `list`, so that one which is nested too deep, or names a
 * field twice, is refused alone.
 *
 * Linear in the length of the body, whatever it holds. Like `scanBody` it does not judge what is not JSON.
 */
export function scanItems(body: Buffer, list: string, most: number): ItemsScan {
  const names = new Set<string>()
  const items: Buffer[] = []
  const rest: string[] = []
  let repeated: string | undefined
  let depth = 0
  let nameExpected = false
  let field: string | undefined
  let inList = false
  /** Where what belongs to `rest` begins, or the item. */
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
        if (nameExpected && depth === 1) {
          field = nameIn(body.toString('utf8', at, close + 1))
          if (names.has(field)) repeated ??= field
          names.add(field)
          nameExpected = false
        }
        at = close
        break
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        depth += 1
        nameExpected = depth === 1 && body[at] === OPEN_OBJECT
        if (inList) break
        if (depth > MAX_DEPTH) return { ended: 'too deep', repeated, items, rest: '' }
        if (depth === 2 && field === list && body[at] === OPEN_ARRAY) {
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
          if (items.length > most) return { ended: 'too many', repeated, items, rest: '' }
          rest.push(',')
          from = at + 1
        } else if (depth === 1) {
          nameExpected = names.size > 0
          field = undefined
        }
        break
    }
  }
  rest.push(body.toString('utf8', from))
  return { ended: undefined, repeated, items, rest: rest.join('') }
}

function isBlank(body: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if ((body[at] as number) > 0x20) return false
  return true
}
