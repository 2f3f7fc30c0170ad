import { Turns, type TurnWish } from './turns.ts'

/** What has been due for longer is backlog, in milliseconds. */
const RECENT_MS = 60_000
/** Part of the places that one line leaves free for the other, beyond its half. */
const SPARE_PART = 1 / 10

export type Line = 'recent' | 'backlog'

/** In which line a timer stands that has been due for so long. */
export function lineOf(lateMs: number): Line {
  return lateMs > RECENT_MS ? 'backlog' : 'recent'
}

/**
 * The places of one origin, and the two lines before them: what came due within the last minute, and what is left of a
 * downtime or of more than the receiver takes (docs/adr/0010-after-a-downtime.md).
 *
 * While both wait, each has half of the places, and of the other's half what that does not use, but for a tenth: so one
 * that comes due now finds a place beside a million that wait, and those go on all the same.
 */
export class Lines {
  readonly #places: number
  readonly #half: number
  readonly #spare: number
  readonly #inFlight: Record<Line, number> = { recent: 0, backlog: 0 }
  readonly #turns: Record<Line, Turns> = { recent: new Turns(), backlog: new Turns() }

  constructor(places: number) {
    this.#places = places
    this.#half = Math.ceil(places / 2)
    this.#spare = Math.ceil(places * SPARE_PART)
  }

  get inFlight(): number {
    return this.#inFlight.recent + this.#inFlight.backlog
  }

  mayEnter(line: Line, now: number): boolean {
    const { inFlight } = this
    if (inFlight >= this.#places) return false
    return (
      this.#inFlight[line] < this.#half ||
      inFlight + this.#spare < this.#places ||
      !this.#otherWaits(line, now)
    )
  }

  enter(line: Line): void {
    this.#inFlight[line] += 1
  }

  leave(line: Line): void {
    this.#inFlight[line] -= 1
  }

  /** When one that may not enter is to come back, where each place is taken for `placeMs`. */
  turn(line: Line, now: number, placeMs: number, wish: TurnWish): number {
    const places = line === 'recent' && this.#otherWaits(line, now) ? this.#half : this.#places
    return this.#turns[line].next(now, placeMs / places, wish)
  }

  /** The turns were planned too slowly: what is planned from here on comes at `from` (epoch ms) or after. */
  hurry(from: number): void {
    this.#turns.recent.hurry(from)
    this.#turns.backlog.hurry(from)
  }

  #otherWaits(line: Line, now: number): boolean {
    return this.#turns[line === 'recent' ? 'backlog' : 'recent'].waited(now)
  }
}
