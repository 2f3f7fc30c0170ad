import type { Node } from '../nodes/node.ts'
import type { Shard } from './shards.ts'

/**
 * Does `work` on each shard: one after the other on each server, so that none has to do it for all at once, and on all servers
 * at a time. Where it fails it is told, and the rest of that server is left out: one that is away, or slow, holds up no other.
 */
export async function onEachNode(
  shards: readonly Shard[],
  work: (shard: Shard) => Promise<void>,
  failed: (error: unknown) => void,
): Promise<void> {
  const byNode = new Map<Node | undefined, Shard[]>()
  for (const shard of shards) {
    const group = byNode.get(shard.node)
    if (group === undefined) byNode.set(shard.node, [shard])
    else group.push(shard)
  }
  await Promise.all(
    [...byNode.values()].map(async (group) => {
      try {
        for (const shard of group) await work(shard)
      } catch (error) {
        failed(error)
      }
    }),
  )
}
