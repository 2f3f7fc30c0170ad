import { createHash, randomBytes } from 'node:crypto'

/** Random once, then counted: random bytes cost 6 us a claim (docs/benchmarks.md). */
const PROCESS_NONCE = `${randomBytes(9).toString('base64url')}.`
let nonces = 0

/** Tells one call from all others, and is the same in its resends. Without colons and spaces. */
export function freshNonce(): string {
  nonces += 1
  return PROCESS_NONCE + nonces.toString(36)
}

/** Begins alike for all calls that a client sends under the same key for the same thing (`verb`); the rest tells them apart. */
export function clientNonce(verb: string, owner: string, idempotencyKey: string): string {
  return `=${digestOf(verb, owner, idempotencyKey)}/${freshNonce()}`
}

/** 22 characters that stand for a text of any length: 128 bits of SHA-256. */
export function digestOf(...texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\0')).digest('base64url').slice(0, 22)
}
