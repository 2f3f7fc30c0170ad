import { parse } from 'lossless-json'

/**
 * JSON text in one form: equal for equal values, however they are written. Members are in the order of their names, and
 * numbers keep all their digits: 1234567890123456789 is not 1234567890123456788, but 10, 10.0 and 1e1 are one.
 *
 * Text that names a member twice stays as it is: what it means is for each receiver to say.
 */
export function canonicalJson(text: string): string {
  try {
    return written(parse(text, null, { parseNumber: (digits) => new ExactNumber(digits) }))
  } catch {
    return text
  }
}

class ExactNumber {
  readonly text: string

  constructor(digits: string) {
    this.text = canonicalNumber(digits)
  }
}

function written(value: unknown): string {
  if (value instanceof ExactNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${written(member)}`).join(',')}}`
}

/** Digits without zeros at either end, and a power of ten: `-12e3`. */
function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`
  let start = 0
  while (digits[start] === '0') start += 1
  let end = digits.length
  while (end > start && digits[end - 1] === '0') end -= 1
  if (start === end) return '0'
  const shift = digits.length - end - fraction.length
  // An exponent has as many digits as a client likes.
  const power =
    exponent.length < 10 ? Number(exponent) + shift : BigInt(exponent.replace('+', '')) + BigInt(shift)
  return `${sign}${digits.slice(start, end)}e${power}`
}
