import { NameError } from './name-error.ts'

/** How long a look-up may take, in milliseconds, while others wait for its place. */
const PATIENCE_MS = 250

export interface SlotLimits {
  /** Most look-ups under way. Each has sockets of its own, and the name servers have limits too. */
  readonly most: number
  /** How many of these are for names that were found the last time. */
  readonly reserved: number
}

interface Place {
  readonly proven: boolean
  readonly since: number
}

/**
 * A bound on all look-ups under way, such that names that are never answered cannot use it up:
 * - a part is kept for proven names, those that were found the last time;
 * - while others wait, the oldest look-up gives way as soon as it has taken longer than nearly every healthy one does.
 *   Nothing is lost by that: the attempt provably never left, and is made again later, when the name server may have
 *   found what it was asked for;
 * - the newest is the next one: behind a flood of silent names a new one would wait for all of them.
 */
export class LookUpSlots {
  readonly #limits: SlotLimits
  /** Oldest first. */
  readonly #underWay = new Map<AbortController, Place>()
  readonly #waiting = {
    proven: new Map<AbortController, () => void>(),
    others: new Map<AbortController, () => void>(),
  }
  #others = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: SlotLimits) {
    this.#limits = limits
  }

  /** Look-ups under way and waiting. */
  get size(): number {
    return this.#underWay.size + this.#waiting.proven.size + this.#waiting.others.size
  }

  /** Waits for a place; `leave` is to be called whatever comes of it. @throws NameError when `lookUp` is aborted first */
  enter(lookUp: AbortController, proven: boolean): Promise<void> | undefined {
    if (this.#hasRoom(proven)) {
      this.#start(lookUp, proven)
      return undefined
    }
    return new Promise((resolve, reject) => {
      lookUp.signal.addEventListener('abort', () => reject(new NameError('ERR_NAME_TIMEOUT')), { once: true })
      this.#waiting[proven ? 'proven' : 'others'].set(lookUp, resolve)
      this.#makeRoom()
    })
  }

  leave(lookUp: AbortController): void {
    this.#waiting.proven.delete(lookUp)
    this.#waiting.others.delete(lookUp)
    this.#end(lookUp)
    this.#admit()
  }

  /** Ends all. */
  close(): void {
    clearTimeout(this.#timer)
    for (const lookUps of [this.#underWay, this.#waiting.proven, this.#waiting.others]) {
      for (const lookUp of [...lookUps.keys()]) lookUp.abort()
    }
  }

  #hasRoom(proven: boolean): boolean {
    const { most, reserved } = this.#limits
    return this.#underWay.size < most && (proven || this.#others < most - reserved)
  }

  #start(lookUp: AbortController, proven: boolean): void {
    this.#underWay.set(lookUp, { proven, since: performance.now() })
    if (!proven) this.#others += 1
  }

  #end(lookUp: AbortController): void {
    if (this.#underWay.get(lookUp)?.proven === false) this.#others -= 1
    this.#underWay.delete(lookUp)
  }

  #admit(): void {
    for (const proven of [true, false]) {
      const line = this.#waiting[proven ? 'proven' : 'others']
      if (line.size === 0 || !this.#hasRoom(proven)) continue
      for (const [lookUp, go] of [...line].reverse()) {
        if (!this.#hasRoom(proven)) break
        line.delete(lookUp)
        this.#start(lookUp, proven)
        go()
      }
    }
    this.#makeRoom()
  }

  /** Lets the oldest go that stand in the way of those who wait, now and as soon as more of them are old enough. */
  #makeRoom(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    let wanted = this.#waiting.proven.size + this.#waiting.others.size
    if (wanted === 0) return
    const forProven = this.#waiting.proven.size > 0
    const now = performance.now()
    for (const [lookUp, { proven, since }] of [...this.#underWay]) {
      if (proven && !forProven) continue
      const leftMs = since + PATIENCE_MS - now
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.#makeRoom(), leftMs)
        return
      }
      if (wanted === 0) return
      wanted -= 1
      // Leaves by itself then, which admits the next one.
      lookUp.abort()
    }
  }
}
