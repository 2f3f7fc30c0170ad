import type { Server } from './deployment.ts'

/** What Redis servers have used and moved so far, all of them together. */
export interface RedisCounters {
  /** Processor time, in microseconds; that of children, which rewrite the file, is not in it. */
  readonly processorUs: number
  readonly commands: number
  /** From and to clients. */
  readonly wireBytes: number
  /** To replicas. */
  readonly replicationBytes: number
  /** Of the append-only file. */
  readonly diskBytes: number
  readonly memoryBytes: number
}

export async function redisCounters(servers: readonly Server[]): Promise<RedisCounters> {
  const all = await Promise.all(servers.map(async (server) => countersOf(await infoOf(server))))
  return all.reduce((sum, each) => combine(sum, each, (a, b) => a + b), NONE)
}

/** The fields of INFO. */
export async function infoOf(server: Server): Promise<ReadonlyMap<string, string>> {
  const text = String(await server.command('INFO'))
  return new Map(
    [...text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)].map(([, key = '', value = '']) => [key, value]),
  )
}

function countersOf(info: ReadonlyMap<string, string>): RedisCounters {
  const number = (name: string) => Number(info.get(name) ?? 0)
  const replicationBytes = number('total_net_repl_output_bytes')
  const all = number('total_net_input_bytes') + number('total_net_output_bytes')
  return {
    processorUs: (number('used_cpu_user') + number('used_cpu_sys')) * 1e6,
    commands: number('total_commands_processed'),
    wireBytes: all - replicationBytes - number('total_net_repl_input_bytes'),
    replicationBytes,
    diskBytes: number('aof_current_size'),
    memoryBytes: number('used_memory'),
  }
}

const NONE: RedisCounters = {
  processorUs: 0,
  commands: 0,
  wireBytes: 0,
  replicationBytes: 0,
  diskBytes: 0,
  memoryBytes: 0,
}

/** Numbers of the same names, one by one. */
export function combine<T extends { readonly [K in keyof T]: number }>(
  one: T,
  other: T,
  how: (a: number, b: number) => number,
): T {
  const names = Object.keys(one) as (keyof T)[]
  return Object.fromEntries(names.map((name) => [name, how(one[name], other[name])])) as unknown as T
}
