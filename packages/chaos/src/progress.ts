import type { PlannedFault } from './fault-plan.ts'

export interface Watched {
  readonly clients: { readonly creations: readonly { readonly acknowledged?: unknown }[] }
  readonly receivers: { readonly count: number }
}

const LINE_EVERY_MS = 5_000

/** Shows a run while it runs: a line every five seconds, and one for each fault. */
export class Progress {
  readonly #write: (line: string) => void
  readonly #totalMs: number
  readonly #now = new Set<PlannedFault>()
  #startedAt = Date.now()
  #timer: NodeJS.Timeout | undefined
  #left: number | undefined

  constructor(totalMs: number, write: (line: string) => void) {
    this.#totalMs = totalMs
    this.#write = write
  }

  watch({ clients, receivers }: Watched): void {
    this.#startedAt = Date.now()
    this.#timer = setInterval(() => {
      const { creations } = clients
      const acknowledged = creations.filter((creation) => creation.acknowledged !== undefined).length
      const broken = [...this.#now].map(nameOf).join(', ')
      this.say(
        `asked ${creations.length}, acknowledged ${acknowledged}, requests received ${receivers.count}` +
          `${this.#left === undefined ? '' : `, on their way ${this.#left}`}${broken === '' ? '' : ` | ${broken}`}`,
      )
    }, LINE_EVERY_MS)
  }

  begin(fault: PlannedFault): void {
    this.#now.add(fault)
    this.say(`  + ${nameOf(fault)} for ${(fault.lastsMs / 1_000).toFixed(1)} s`)
  }

  finish(fault: PlannedFault, isLeftOut: boolean): void {
    this.#now.delete(fault)
    if (isLeftOut) this.say(`  - ${nameOf(fault)} is left out: Redis is not at full strength`)
  }

  /** How many timers are still on their way, once no more are created. */
  left(count: number): void {
    this.#left = count
  }

  say(line: string): void {
    const part = Math.min(100, Math.round(((Date.now() - this.#startedAt) / this.#totalMs) * 100))
    this.#write(`${duration(Date.now() - this.#startedAt)} ${String(part).padStart(3)}% ${line}`)
  }

  end(): void {
    clearInterval(this.#timer)
  }
}

export function nameOf({ kind, slots }: Pick<PlannedFault, 'kind' | 'slots'>): string {
  const where = slots.length === 0 ? '' : slots.length === 5 ? ' (all)' : ` (${slots.join(', ')})`
  return `${kind}${where}`
}

/** `3:07` */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
