import { type Environment, stablePort } from '@timers/lab'
import type { FaultKind } from './fault-kinds.ts'
import { API_SLOTS, type PlannedFault, SLOTS, type Slot, WORKER_SLOTS } from './fault-plan.ts'
import { NameServer } from './name-server.ts'
import { Line, type NetworkFault } from './network.ts'
import { RedisHost } from './redis-host.ts'
import { type FaultOutcome, ServiceSlot } from './service-slot.ts'

/** Long enough for the slowest answer, short enough for hanging receivers not to drag a run out. */
export const WEBHOOK_TIMEOUT_MS = 4_000

const COMMON: Environment = { HOST: '127.0.0.1', DELIVERY_ALLOW_CIDRS: '127.0.0.0/8', LOG_LEVEL: 'info' }
const API: Environment = { SHUTDOWN_TIMEOUT_MS: 5_000 }
const WORKER: Environment = {
  WEBHOOK_TIMEOUT_MS,
  SHUTDOWN_TIMEOUT_MS: 10_000,
  // A door that stays closed ends in `failed` within the run.
  DELIVERY_GIVE_UP_SECONDS: 60,
  // Few hands and a low cap: deferrals happen.
  WORKER_CONCURRENCY: 40,
  DELIVERY_MAX_PER_ORIGIN: 15,
}
/** What the operator wants to be told of every timer. */
export const OPERATOR_ON = ['failed', 'unknown', 'expired', 'cancelled']
const LATEST_BYTES_MS = 400

/** All processes of the experiment, and how each fault is done to them. */
export class Stage {
  readonly redis: RedisHost
  readonly names: NameServer
  readonly #lines: Readonly<Record<Slot, Line>>
  readonly #services: Readonly<Record<Slot, ServiceSlot>>
  #turn = 0
  #cutUntil = 0

  private constructor(
    redis: RedisHost,
    names: NameServer,
    lines: Record<Slot, Line>,
    services: Record<Slot, ServiceSlot>,
  ) {
    this.redis = redis
    this.names = names
    this.#lines = lines
    this.#services = services
  }

  static async open(minutes: number, eventsUrl: string): Promise<Stage> {
    const redis = await RedisHost.start(minutes)
    const names = await NameServer.start()
    const lines = {} as Record<Slot, Line>
    const services = {} as Record<Slot, ServiceSlot>
    for (const slot of SLOTS) {
      const line = await Line.to(redis.server.port)
      lines[slot] = line
      const port = await stablePort()
      const own = slot.startsWith('api') ? { ...API, PORT: port } : { ...WORKER, HEALTH_PORT: port }
      const env = {
        ...COMMON,
        ...own,
        EVENTS_URL: eventsUrl,
        EVENTS_ON: OPERATOR_ON.join(','),
        REDIS_URL: `redis://127.0.0.1:${line.port}`,
      }
      services[slot] = new ServiceSlot(slot, `http://127.0.0.1:${port}`, env, names.execArgv)
      services[slot].start()
    }
    return new Stage(redis, names, lines, services)
  }

  get services(): readonly ServiceSlot[] {
    return SLOTS.map((slot) => this.#services[slot])
  }

  /** Address of an API, by turns, whether it runs or not. */
  nextApi(): string {
    this.#turn += 1
    return this.#services[API_SLOTS[this.#turn % API_SLOTS.length] as Slot].url
  }

  get crashes(): string[] {
    return [...this.redis.crashes, ...this.services.flatMap(({ crashes }) => crashes)]
  }

  /** Does a fault, and heals it. Resolves when it is healed, with what came of it. */
  async play(fault: PlannedFault): Promise<FaultOutcome> {
    const { kind, lastsMs, dice } = fault
    const [slot] = fault.slots
    const service = this.#services[slot ?? 'api-1']
    switch (kind) {
      case 'api-kill':
      case 'worker-kill':
        return service.killFor(lastsMs).then(nothing)
      case 'api-term':
      case 'worker-term':
        return service.stopFor(lastsMs)
      case 'worker-stop':
        return service.pauseFor(lastsMs).then(nothing)
      case 'redis-kill':
        return this.redis.killFor(lastsMs).then(nothing)
      case 'redis-tail':
        return this.redis.killAndCutTailFor(lastsMs, dice, () => this.#holdReplies()).then(noted)
      case 'redis-disk':
        return this.redis.fillDiskFor(lastsMs, dice).then(noted)
      case 'redis-oom':
        return this.redis.outOfMemoryFor(lastsMs).then(nothing)
      case 'redis-rewrite':
        // Refused while Redis is away, or rewrites already.
        return this.redis.server
          .command('BGREWRITEAOF')
          .then(String, (error: Error) => error.message)
          .then(noted)
      default:
        return this.#breakLines(fault, networkFault(kind, dice)).then(nothing)
    }
  }

  /** Cuts all replies that the APIs get from Redis, for a while. */
  async cutRepliesFor(ms: number): Promise<void> {
    if (ms === 0) return
    await this.#breakLines({ slots: API_SLOTS, lastsMs: ms }, { mode: 'cut-replies' })
    this.#cutUntil = Date.now()
  }

  /** When replies were cut last, epoch ms. */
  get cutUntil(): number {
    return this.#cutUntil
  }

  /** Stops all workers in order, for good. With nothing broken they must end with code 0. */
  async stopWorkers(): Promise<void> {
    await Promise.all(
      WORKER_SLOTS.map(async (slot) => {
        const service = this.#services[slot]
        const { exitCode } = await service.stop()
        if (exitCode !== 0) service.crashes.push(`${slot} ended with ${exitCode} at the last stop`)
      }),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.services.map((service) => service.close()))
    await Promise.all(SLOTS.map((slot) => this.#lines[slot].close()))
    this.names.close()
    await this.redis.close()
  }

  async #holdReplies(): Promise<() => Promise<void>> {
    const losses = await Promise.all(SLOTS.map((slot) => this.#lines[slot].holdReplies()))
    return async () => {
      await Promise.all(losses.map((lose) => lose()))
    }
  }

  async #breakLines(
    { slots, lastsMs }: Pick<PlannedFault, 'slots' | 'lastsMs'>,
    fault: NetworkFault,
  ): Promise<void> {
    const heals = await Promise.all(slots.map((slot) => this.#lines[slot].break(fault)))
    await new Promise((resolve) => setTimeout(resolve, lastsMs))
    await Promise.all(heals.map((heal) => heal()))
  }
}

const nothing = (): FaultOutcome => ({})
const noted = (note: string): FaultOutcome => ({ note })

type NetworkKind = Extract<FaultKind, `net-${string}`>

function networkFault(kind: NetworkKind, dice: number): NetworkFault {
  switch (kind) {
    case 'net-drop':
      return { mode: 'blackhole' }
    case 'net-stall':
      return { mode: 'stall' }
    case 'net-late-requests':
      return { mode: 'hold-requests' }
    case 'net-late-replies':
      return { mode: 'hold-replies' }
    case 'net-late-some':
      return { mode: 'hold-some-replies' }
    case 'net-refuse':
      return { mode: 'refuse' }
    case 'net-reset':
      return { mode: 'reset' }
    case 'net-delay':
      return { delayMs: 10 + Math.round(dice * LATEST_BYTES_MS) }
    case 'net-cut':
      return 'cut'
  }
}
