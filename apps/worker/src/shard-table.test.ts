import type { ShardStats } from '@timers/core'
import { shardTable } from './shard-table.ts'

const shard = (index: number, pending: number, fired: number): ShardStats => ({
  shard: index,
  counts: { pending, firing: 1, fired, failed: 2, unknown: 0, cancelled: 0, expired: 0 },
  deferred: 0,
  overdue: 0,
  oldestOverdueMs: 0,
})

test('numbers of many shards stand below one another, with their sum', () => {
  expect(shardTable([shard(9, 5, 0), shard(10, 123_456_789, 7)])).toEqual([
    'shard    pending  firing  finished',
    '    9          5       1         2',
    '   10  123456789       1         9',
    '  all  123456794       2        11',
  ])
})

test('a single shard needs no sum', () => {
  expect(shardTable([shard(0, 5, 0)])).toHaveLength(2)
})
