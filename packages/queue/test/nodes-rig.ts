import type { Log } from '@timers/core'
import { eventually } from '@timers/lab'
import {
  createTimerConsumer,
  type TimerConsumer,
  type TimerConsumerOptions,
} from '../src/consumer/timer-consumer.ts'
import { createRedisTimerStore, type RedisTimerStore } from '../src/timers/timer-store.ts'
import { logInto, type Said } from './said.ts'

/** What tests may choose of stores and consumers alike. */
export interface NodesRigOptions {
  readonly redisUrl: string
  readonly replicaAcks: number
  readonly shards?: number
}

/** What works on Redis that are several: stores and consumers, closed together. */
export class NodesRig {
  readonly said: Said[] = []
  readonly log: Log = logInto(this.said)
  readonly #options: NodesRigOptions
  readonly #closers: (() => Promise<unknown>)[] = []

  constructor(options: NodesRigOptions) {
    this.#options = options
  }

  heard(message: RegExp): Said[] {
    return this.said.filter((said) => message.test(said.message))
  }

  /** A store that has found its Redis. */
  async store(options: Partial<NodesRigOptions> = {}): Promise<RedisTimerStore> {
    const store = createRedisTimerStore({ shards: 1, ...this.#options, ...options, log: this.log })
    this.#closers.push(() => store.close())
    await eventually(() => expect(store.health().ready).toBe(true))
    return store
  }

  /** A consumer that takes what is due. */
  async consumer(
    options: Partial<TimerConsumerOptions> & Pick<TimerConsumerOptions, 'handle'>,
  ): Promise<TimerConsumer> {
    const consumer = createTimerConsumer({
      shards: 1,
      ...this.#options,
      concurrency: 100,
      retentionDays: 30,
      ...options,
      log: this.log,
    })
    this.#closers.push(() => consumer.stop())
    await consumer.start()
    return consumer
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
  }
}
