const HEAD_END = Buffer.from('\r\n\r\n')
/** The last chunk of a chunked answer, with no trailers behind it. */
const CHUNKS_END = Buffer.from('0\r\n\r\n')
/** Heads that are longer are refused by Node's parser. */
const MAX_HEAD_BYTES = 64 * 1_024

/**
 * Looks at the bytes of one answer as they come and tells whether they end where the answer does.
 *
 * Node's parser reads past the end: the beginning of another answer in the same segment is taken and forgotten. (One
 * that is whole, or is none, it notices.) An answer whose end is not as plain as here, by trailers or by interim
 * answers before it, counts as one with something behind it: that costs a connection, and nothing else.
 */
export class AnswerEnd {
  #head: Buffer = Buffer.alloc(0)
  #length = 0
  /** Where it must end; undefined while the head is on its way, and for answers in chunks. */
  #end: number | undefined
  #headKnown = false
  #tail: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#length += chunk.length
    this.#tail =
      chunk.length >= CHUNKS_END.length
        ? chunk.subarray(-CHUNKS_END.length)
        : Buffer.concat([this.#tail, chunk]).subarray(-CHUNKS_END.length)
    if (this.#headKnown || this.#head.length > MAX_HEAD_BYTES) return
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
    const headLength = this.#head.indexOf(HEAD_END) + HEAD_END.length
    if (headLength < HEAD_END.length) return
    this.#headKnown = true
    const bodyLength = bodyLengthOf(this.#head.toString('latin1', 0, headLength))
    if (bodyLength !== undefined) this.#end = headLength + bodyLength
    this.#head = Buffer.alloc(0)
  }

  /** Whether `bytes`, all that have arrived, are this answer to its end and not one more. */
  isExactly(bytes: number): boolean {
    if (!this.#headKnown || bytes !== this.#length) return false
    return this.#end === undefined ? this.#tail.equals(CHUNKS_END) : bytes === this.#end
  }
}

/** Undefined where it comes in chunks. What else a head might say of its length, Node's parser refuses. */
function bodyLengthOf(head: string): number | undefined {
  const status = Number(head.slice(9, 12))
  if (status === 204 || status === 304) return 0
  if (/^transfer-encoding:/im.test(head)) return undefined
  return Number(/^content-length:[ \t]*(\d+)/im.exec(head)?.[1] ?? Number.NaN)
}
