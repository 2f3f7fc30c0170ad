import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Answer,
  type ReceivedRequest,
  type Receiver,
  type Sighting,
  sightingOf,
  stablePort,
  startReceiver,
} from '@timers/lab'
import type { Closing } from './broken.ts'
import { DOORS, indexOf, type PlannedClosing, type PlannedCreate } from './load-plan.ts'

/** Where the webhooks go: one receiver that is always there, and doors that are closed now and then. One log of it all. */
export class Receivers {
  readonly closings: Closing[] = []
  readonly #main: Receiver
  readonly #doors: Door[] = []
  readonly #respond: (request: ReceivedRequest) => Answer
  readonly #log: ReceivedRequest[] = []
  readonly #requestsByKey = new Map<string, number>()
  #stopped = false

  private constructor(main: Receiver, creates: readonly PlannedCreate[]) {
    this.#main = main
    this.#respond = (request) => {
      const { key } = sightingOf(request)
      const before = this.#requestsByKey.get(key) ?? 0
      this.#requestsByKey.set(key, before + 1)
      this.#log.push(request)
      return answerOf(creates[indexOf(key)], before)
    }
    main.respond = this.#respond
  }

  static async start(creates: readonly PlannedCreate[]): Promise<Receivers> {
    const receivers = new Receivers(await startReceiver({ port: await stablePort() }), creates)
    for (let door = 0; door < DOORS; door += 1) {
      const port = await stablePort()
      receivers.#doors.push({ port, open: await startReceiver({ port, respond: receivers.#respond }) })
    }
    return receivers
  }

  /** Requests so far. */
  get count(): number {
    return this.#log.length
  }

  /** Requests that wait for an answer that is going to come. */
  get open(): number {
    return this.#log.filter(
      ({ answer, answeredAt }) => typeof answer !== 'string' && answeredAt === undefined,
    ).length
  }

  /** The URL to give to a timer; the service appends the timer's id. */
  urlFor(create: PlannedCreate, key: string): string {
    const port = create.behaviour === 'refuse' ? (this.#doors[create.door] as Door).port : this.#main.port
    return `http://127.0.0.1:${port}/${create.behaviour}/${key}`
  }

  /** Closes a door: nobody listens, and open connections end. */
  async close({ door, lastsMs }: PlannedClosing): Promise<void> {
    const place = this.#doors[door] as Door
    const from = Date.now()
    const listener = place.open
    if (listener === undefined) throw new Error(`door ${door} is closed already`)
    place.open = undefined
    await listener.close()
    await sleep(lastsMs)
    if (this.#stopped) return
    place.open = await startReceiver({ port: place.port, respond: this.#respond })
    this.closings.push({ door, from, to: Date.now() })
  }

  sightings(): Sighting[] {
    return this.#log.map(sightingOf)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([this.#main.close(), ...this.#doors.map(({ open }) => open?.close())])
  }
}

interface Door {
  readonly port: number
  open: Receiver | undefined
}

function answerOf(create: PlannedCreate | undefined, before: number): Answer {
  if (create === undefined) return { status: 404 }
  switch (create.behaviour) {
    case 'slow':
      return { delayMs: create.slowMs }
    case 'error':
      return before === 0 ? { status: 500 } : {}
    case 'reset':
    case 'close':
    case 'hang':
      return before === 0 ? create.behaviour : {}
    default:
      return {}
  }
}
