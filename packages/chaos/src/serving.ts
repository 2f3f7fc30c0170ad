import { redisAnswers } from '@timers/local-redis'
import type { FaultRun, Span } from './broken.ts'
import { FAULT_KINDS, type Lane } from './fault-kinds.ts'
import type { RedisUnderTest } from './redis-under-test.ts'

/** A node that may serve shards, asked past all proxies. */
export interface AskedNode {
  readonly port: number
  readonly answers: boolean
}

export interface ServingOptions {
  readonly nodes: () => readonly AskedNode[]
  /** How many there are: there may come to be more. */
  readonly shards: () => number
  /** Replicas that must have a write before it counts. */
  readonly acks: number
}

const ASK_EVERY_MS = 200
const ANSWER_WITHIN_MS = 1_000
const ACKED_WITHIN_MS = 300
/** Longer pauses between two writes that were served are times in which none was. */
const GAP_MS = 500
/** A script like those of the services: refused as a whole where one of its keys is on its way to another node. */
const WRITE = "return redis.call('SET', KEYS[1], ARGV[1])"

/**
 * Asks all nodes all the time whether they take a write for each shard, and whether enough replicas get it: what the nodes by
 * themselves could not have served, the services cannot be blamed for. Where this process stands still, so it seems do the nodes.
 */
export class Serving {
  readonly #options: ServingOptions
  readonly #timer: NodeJS.Timeout
  readonly #asked = new Set<AskedNode>()
  readonly #lastServed: number[] = []
  readonly #gaps: Span[][] = []

  constructor(options: ServingOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#askAll(), ASK_EVERY_MS)
  }

  /** For how long a shard could not be served between two instants; undefined: the one that was away longest. */
  unservedMs(shard: number | undefined, from: number, to: number): number {
    if (shard === undefined) return Math.max(...this.#gaps.map((_, each) => this.unservedMs(each, from, to)))
    const last = this.#lastServed[shard]
    const gaps = [...(this.#gaps[shard] ?? [])]
    if (last !== undefined && Date.now() - last > GAP_MS) gaps.push({ from: last, to: Date.now() })
    return gaps.reduce((sum, gap) => sum + Math.max(0, Math.min(to, gap.to) - Math.max(from, gap.from)), 0)
  }

  /** Times in which none of it was served, of each shard. */
  get gaps(): readonly (readonly Span[])[] {
    return this.#gaps
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #askAll(): void {
    for (let shard = this.#gaps.length; shard < this.#options.shards(); shard += 1) {
      this.#gaps.push([])
      this.#lastServed.push(Date.now())
    }
    for (const node of this.#options.nodes()) {
      if (!node.answers || this.#asked.has(node)) continue
      this.#asked.add(node)
      void this.#ask(node).finally(() => this.#asked.delete(node))
    }
  }

  async #ask({ port }: AskedNode): Promise<void> {
    const { acks } = this.#options
    const shards = this.#gaps.length
    const writes = Array.from({ length: shards }, (_, shard) => {
      const key = `chaos:{${shard}}`
      return ['EVAL', WRITE, '2', key, `${key}:never`, String(Date.now())]
    })
    const wait = acks === 0 ? [] : [['WAIT', String(acks), String(ACKED_WITHIN_MS)]]
    const askedAt = Date.now()
    const answers = await redisAnswers(port, [...writes, ...wait], ANSWER_WITHIN_MS).catch(() => [])
    const replicas = acks === 0 ? 0 : answers.at(-1)
    if (answers.length === 0 || typeof replicas !== 'number' || replicas < acks) return
    for (let shard = 0; shard < shards; shard += 1) {
      if (answers[shard] === 'OK') this.#served(shard, askedAt)
    }
  }

  /** Nobody knows when exactly a write was served, between its question and its answer: spans may overlap. */
  #note(shard: number, gap: Span): void {
    const gaps = this.#gaps[shard] ?? []
    const last = gaps.at(-1)
    if (last !== undefined && gap.from <= last.to) gaps[gaps.length - 1] = { from: last.from, to: gap.to }
    else gaps.push(gap)
  }

  #served(shard: number, askedAt: number): void {
    const from = this.#lastServed[shard] ?? askedAt
    const now = Date.now()
    if (now - from > GAP_MS) this.#note(shard, { from, to: now })
    this.#lastServed[shard] = Math.max(from, askedAt)
  }
}

/** Faults that make timers late whatever Redis does, and how long after them they do. */
const OTHERS: readonly Lane[] = ['worker', 'network']
const AFTERMATH_MS = 15_000

/** For how long the shard of a timer could not be served; undefined while workers, or their network, were broken or busy too. */
export function unservedBy(
  redis: Pick<RedisUnderTest, 'unservedMs'>,
  faults: readonly FaultRun[],
  busy: readonly Span[],
): (id: number, from: number, to: number) => number | undefined {
  const others = [...faults.filter(({ kind }) => OTHERS.includes(FAULT_KINDS[kind].lane)), ...busy]
  return (id, from, to) => {
    if (others.some((other) => other.from <= to && other.to + AFTERMATH_MS >= from)) return undefined
    return redis.unservedMs(id, from, to)
  }
}
