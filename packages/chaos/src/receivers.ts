import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Answer,
  type CallbackSighting,
  callbackOf,
  FINAL_STATUSES,
  OPERATOR_PATH,
  type ReceivedRequest,
  type Receiver,
  type Sighting,
  sightingOf,
  stablePort,
  startReceiver,
  type Wish,
} from '@timers/lab'
import type { Closing } from './broken.ts'
import {
  type Behaviour,
  DOORS,
  indexOf,
  type PlannedClosing,
  type PlannedCreate,
  SILENT_HOSTS,
} from './load-plan.ts'
import { HEALTHY_ZONE, SILENT_ZONE } from './name-server.ts'

/**
 * Where the webhooks go: one receiver that is always there, doors that are closed now and then, and silent hosts. One log of
 * it all, and one of those who are called back.
 */
export class Receivers {
  readonly closings: Closing[] = []
  readonly #main: Receiver
  readonly #doors: Door[] = []
  readonly #silent: Receiver[] = []
  readonly #respond: (request: ReceivedRequest) => Answer
  readonly #log: ReceivedRequest[] = []
  readonly #callbacks: ReceivedRequest[] = []
  readonly #done = new Set<string>()
  readonly #requestsByKey = new Map<string, number>()
  #stopped = false

  private constructor(main: Receiver, creates: readonly PlannedCreate[]) {
    this.#main = main
    this.#respond = (request) => {
      const isCallback = [CALLBACK_PATH, OPERATOR_PATH].some((path) => request.path.startsWith(path))
      if (isCallback) return this.#respondToCallback(request)
      const { key } = sightingOf(request)
      const before = this.#requestsByKey.get(key) ?? 0
      this.#requestsByKey.set(key, before + 1)
      this.#log.push(request)
      const answer = answerOf(creates[indexOf(key)], before)
      if (typeof answer === 'object' && (answer.status ?? 200) === 200) this.#done.add(key)
      return answer
    }
    main.respond = this.#respond
  }

  static async start(creates: readonly PlannedCreate[]): Promise<Receivers> {
    const receivers = new Receivers(await startReceiver({ port: await stablePort() }), creates)
    for (let door = 0; door < DOORS; door += 1) {
      const port = await stablePort()
      receivers.#doors.push({ port, open: await startReceiver({ port, respond: receivers.#respond }) })
    }
    const port = await stablePort()
    for (let host = 0; host < SILENT_HOSTS; host += 1) {
      const options = { respond: receivers.#respond }
      // Only Linux takes all of 127.0.0.0/8 for its own.
      const silent = startReceiver({ ...options, port, host: `127.0.1.${host + 1}` })
      receivers.#silent.push(await silent.catch(() => startReceiver(options)))
    }
    return receivers
  }

  /** Every fourth is refused at first, and comes again. */
  #respondToCallback(request: ReceivedRequest): Answer {
    this.#callbacks.push(request)
    const id = request.headers['webhook-id'] ?? ''
    const isNew = !this.#requestsByKey.has(id)
    this.#requestsByKey.set(id, 1)
    return isNew && this.#callbacks.length % 4 === 0 ? { status: 500 } : {}
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

  /** Whether a timer has got an answer with which it has fired. */
  isDone(key: string): boolean {
    return this.#done.has(key)
  }

  /** The URL to give to a timer; the service appends the timer's id. */
  urlFor(create: PlannedCreate, key: string): string {
    const { behaviour, door } = create
    const silent = this.#silent[door % SILENT_HOSTS]
    if (behaviour === 'silent') return `${silent?.url}/${behaviour}/${key}`
    const port = behaviour === 'refuse' ? (this.#doors[door % DOORS] as Door).port : this.#main.port
    return `http://${hostOf(behaviour, door)}:${port}/${behaviour}/${key}`
  }

  /** Where the operator is told of all timers. */
  get eventsUrl(): string {
    return this.#main.url + OPERATOR_PATH
  }

  /** Who is called back, and when: at every end. */
  callbackFor(key: string): Wish['callback'] {
    return { url: `${this.#main.url}${CALLBACK_PATH}${key}`, on: FINAL_STATUSES }
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

  callbacks(): CallbackSighting[] {
    return this.#callbacks.flatMap((request) => callbackOf(request) ?? [])
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([
      this.#main.close(),
      ...this.#doors.map(({ open }) => open?.close()),
      ...this.#silent.map((receiver) => receiver.close()),
    ])
  }
}

const CALLBACK_PATH = '/callback/'

/** Names are looked up at the experiment's own name server: see name-server.ts. */
function hostOf(behaviour: Behaviour, door: number): string {
  if (behaviour === 'named') return `n${door}.${HEALTHY_ZONE}`
  return behaviour === 'nameless' ? `n${door}.${SILENT_ZONE}` : '127.0.0.1'
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
    case 'broken':
      return { status: 500 }
    case 'silent':
      return 'hang'
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
