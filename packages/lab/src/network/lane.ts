import type { Link } from './tcp-link.ts'

/**
 * What the network between client and target does:
 * - `forward`: bytes go through, both ways.
 * - `blackhole`: connections are accepted and kept, but every byte is swallowed. Connections that lost bytes this way are
 *   reset when the mode ends: a stream with a hole in it exists in no real network.
 * - `stall`: like a cut cable that is mended: bytes are held back, and delivered when the mode ends.
 * - `hold-requests`: requests are held back, and delivered when the mode ends; what had reached the target is answered.
 * - `hold-replies`: requests reach the target; replies are held back, and delivered when the mode ends.
 * - `hold-some-replies`: the same on about half of the connections: they stall one by one where packets are lost.
 * - `cut-replies`: requests reach the target; the first reply is dropped and the client's connection reset, so that the
 *   client cannot know whether its command ran.
 * - `reset`: every connection, old and new, is reset.
 * - `refuse`: nobody listens on the port; old connections are reset.
 */
export type ProxyMode =
  | 'forward'
  | 'blackhole'
  | 'stall'
  | 'hold-requests'
  | 'hold-replies'
  | 'hold-some-replies'
  | 'cut-replies'
  | 'reset'
  | 'refuse'

/** What a test does to connections of one kind. */
export interface Faults {
  readonly mode: ProxyMode
  /** Number of connections. */
  readonly connections: number
  setMode(mode: ProxyMode): Promise<void>
  /** Resets all present connections; the mode stays. */
  dropConnections(): void
  /** Holds every chunk of bytes back for so long, in both directions and in order. 0 ends it. */
  setDelay(ms: number): void
  /**
   * Drops the next reply of the target, on whichever connection it comes, and resets that connection; once for each of
   * `count`. Resolves when that has happened.
   */
  cutReplies(count?: number): Promise<void>
}

interface Cut {
  left: number
  readonly done: () => void
}

/** Connections that share their fate. */
export class Lane implements Faults {
  readonly links = new Set<Link>()
  mode: ProxyMode
  delayMs = 0
  readonly #cuts: Cut[] = []

  constructor(mode: ProxyMode = 'forward') {
    this.mode = mode
  }

  get connections(): number {
    return this.links.size
  }

  async setMode(mode: ProxyMode): Promise<void> {
    this.mode = mode
    for (const link of this.links) link.modeChanged()
  }

  dropConnections(): void {
    for (const link of this.links) link.reset()
  }

  setDelay(ms: number): void {
    this.delayMs = ms
  }

  cutReplies(count = 1): Promise<void> {
    return new Promise((resolve) => this.#cuts.push({ left: count, done: resolve }))
  }

  /** Whether the reply that has just come is to be dropped. */
  takeCut(): boolean {
    if (this.mode === 'cut-replies') return true
    const [cut] = this.#cuts
    if (cut === undefined) return false
    cut.left -= 1
    if (cut.left === 0) {
      this.#cuts.shift()
      cut.done()
    }
    return true
  }
}
