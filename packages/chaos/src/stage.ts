import { type Environment, stablePort } from '@timers/lab'
import { FAULT_KINDS, type FaultKind } from './fault-kinds.ts'
import { API_SLOTS, type PlannedFault, SLOTS, type Slot, WORKER_SLOTS } from './fault-plan.ts'
import { NameServer } from './name-server.ts'
import type { NetworkFault } from './network.ts'
import { openRedis } from './open-redis.ts'
import type { Options } from './options.ts'
import type { RedisUnderTest } from './redis-under-test.ts'
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
  readonly redis: RedisUnderTest
  readonly names: NameServer
  readonly #services: Readonly<Record<Slot, ServiceSlot>>
  #turn = 0
  #cutUntil = 0

  private constructor(redis: RedisUnderTest, names: NameServer, services: Record<Slot, ServiceSlot>) {
    this.redis = redis
    this.names = names
    this.#services = services
  }

  static async open(
    options: Pick<Options, 'minutes' | 'redis' | 'replicas' | 'acks'>,
    eventsUrl: string,
  ): Promise<Stage> {
    const redis = await openRedis(options)
    const names = await NameServer.start()
    const services = {} as Record<Slot, ServiceSlot>
    for (const slot of SLOTS) {
      const port = await stablePort()
      const own = slot.startsWith('api') ? { ...API, PORT: port } : { ...WORKER, HEALTH_PORT: port }
      const events = { EVENTS_URL: eventsUrl, EVENTS_ON: OPERATOR_ON.join(',') }
      const env = { ...COMMON, ...own, ...events, ...redis.envOf(slot) }
      services[slot] = new ServiceSlot(slot, `http://127.0.0.1:${port}`, env, names.execArgv)
      services[slot].start()
    }
    return new Stage(redis, names, services)
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
      default:
        return isOfNetwork(kind)
          ? this.#breakWays(fault, networkFault(kind, dice)).then(nothing)
          : this.redis.play(fault)
    }
  }

  /** Cuts all replies that the APIs get from Redis, for a while. */
  async cutRepliesFor(ms: number): Promise<void> {
    if (ms === 0) return
    await this.#breakWays({ slots: API_SLOTS, lastsMs: ms, node: 0 }, { mode: 'cut-replies' })
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
    this.names.close()
    await this.redis.close()
  }

  async #breakWays(
    { slots, lastsMs, node }: Pick<PlannedFault, 'slots' | 'lastsMs' | 'node'>,
    fault: NetworkFault,
  ): Promise<void> {
    // Where there are several nodes: half of the time the ways to all of them, else those to one.
    const one = node < 0.5 ? undefined : (node - 0.5) * 2
    const ways = slots.flatMap((slot) => this.redis.waysOf(slot, one))
    const heals = await Promise.all(ways.map((way) => way.break(fault)))
    await new Promise((resolve) => setTimeout(resolve, lastsMs))
    await Promise.all(heals.map((heal) => heal()))
  }
}

const nothing = (): FaultOutcome => ({})

type NetworkKind = Extract<FaultKind, `net-${string}`>

function isOfNetwork(kind: FaultKind): kind is NetworkKind {
  return FAULT_KINDS[kind].lane === 'network'
}

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
