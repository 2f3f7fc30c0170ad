import type { ShardStats } from '@timers/core'

const HEAD = ['shard', 'pending', 'firing', 'finished']

/** What is in each shard and in all of them, in columns. */
export function shardTable(shards: readonly ShardStats[]): string[] {
  const counts = shards.map(({ counts: { pending, firing, ...ended } }) => {
    return [pending, firing, sum(Object.values(ended))]
  })
  const all = [0, 1, 2].map((column) => sum(counts.map((row) => row[column] ?? 0)))
  const rows = [
    HEAD,
    ...shards.map(({ shard }, at) => [`${shard}`, ...(counts[at] ?? []).map(String)]),
    ...(shards.length > 1 ? [['all', ...all.map(String)]] : []),
  ]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
