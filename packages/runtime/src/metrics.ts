import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { softwareVersion } from './build-info.ts'

/** Upper bounds of the buckets of every duration, in seconds: from a millisecond to an hour of downtime. */
const DURATION_BUCKETS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600,
]

export interface HistogramOptions<L extends string> {
  /** Upper bounds, in seconds. */
  readonly buckets?: readonly number[]
  readonly labelNames?: readonly L[]
}

/** A registry of its own for a process, with Node's own figures (event loop lag, memory) in it. */
export function createMetrics(service: string) {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'timers_build_info',
    help: 'Always 1: the version of Timers, and of Node, is in the labels',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: softwareVersion(), node: process.versions.node }, 1)
  return {
    registry,
    /**
     * `known` are the labels that can be foreseen: their series start at 0. One that begins with its first event is
     * never seen by `increase()`, which needs a value from before.
     */
    counter: <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[] = [],
      known: readonly Readonly<Record<L, string>>[] = [],
    ) => {
      const counter = new Counter<L>({ name, help, labelNames, registers: [registry] })
      for (const labels of known) counter.inc(labels, 0)
      return counter
    },
    /** A counter that somebody else keeps: read at the moment it is asked for. */
    total: (name: string, help: string, read: () => number) =>
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset()
          this.inc(read())
        },
      }),
    /**
     * Read at the moment it is asked for. While it is undefined there is no series: an old value would look like a fresh
     * one, and 0 like good news. `absent()` sees that; a NaN would pass every comparison in silence.
     */
    gauge: (name: string, help: string, read: () => number | undefined | Promise<number | undefined>) =>
      new Gauge({
        name,
        help,
        registers: [registry],
        async collect() {
          const value = await read()
          if (value === undefined) this.remove()
          else this.set(value)
        },
      }),
    /** One with labels: a series for each that is read, and none of those that were read before and are not any more. */
    gauges: <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[],
      read: () => readonly { readonly labels: Readonly<Record<L, string>>; readonly value: number }[],
    ) =>
      new Gauge<L>({
        name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset()
          for (const { labels, value } of read()) this.set(labels, value)
        },
      }),
    /** Of durations in seconds. `buckets` where the usual ones, from a millisecond to an hour, tell too little. */
    histogram: <L extends string>(
      name: string,
      help: string,
      { buckets = DURATION_BUCKETS, labelNames = [] }: HistogramOptions<L> = {},
    ) => new Histogram<L>({ name, help, buckets: [...buckets], labelNames, registers: [registry] }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
