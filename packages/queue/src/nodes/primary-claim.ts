import { type Address, addressText } from '@timers/core'

/** What nobody confirms for this long is believed no more, in milliseconds. */
const BELIEVED_FOR_MS = 10_000
/** And this long, where the server itself denies it: those who named it last may confirm it until then. */
const DOUBTED_FOR_MS = 1_000

/**
 * Who is primary, of all that was said. Those who are asked may disagree: one that was cut off, or thaws, still speaks of the primary
 * before. Of two that are named, the one with the higher epoch is it, as among the Sentinels themselves.
 */
export class PrimaryClaim {
  #address: Address | undefined
  #epoch = -1
  #seenAt = Number.NEGATIVE_INFINITY

  get address(): Address | undefined {
    return this.#address
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Whether it is another one now. */
  hear(address: Address, epoch: number): boolean {
    const now = performance.now()
    if (epoch < this.#epoch && now - this.#seenAt < BELIEVED_FOR_MS) return false
    const differs = this.#address === undefined || addressText(this.#address) !== addressText(address)
    this.#address = address
    this.#epoch = epoch
    this.#seenAt = now
    return differs
  }

  /** A replica was chosen, and says that it is primary: newer than what is said of old, and older than what will be said. */
  hearPromoted(address: Address, epoch: number): boolean {
    return this.hear(address, Math.floor(epoch) + 0.5)
  }

  /** That server says that it is not. */
  doubt(address: Address): void {
    if (this.#address === undefined || addressText(this.#address) !== addressText(address)) return
    this.#seenAt = Math.min(this.#seenAt, performance.now() - BELIEVED_FOR_MS + DOUBTED_FOR_MS)
  }
}
