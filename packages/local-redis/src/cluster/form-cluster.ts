import { until } from '../until.ts'
import type { ClusterNode } from './cluster-node.ts'
import { digestOf } from './cluster-view.ts'

const SLOTS = 16_384

/**
 * Makes a cluster of nodes that run and are empty: the first `primaries` get equal parts of the slots, the others become their
 * replicas in turn. By commands, as `redis-cli --cluster create` does it, but without its pauses.
 */
export async function formCluster(nodes: readonly ClusterNode[], primaries: number): Promise<void> {
  await Promise.all(
    nodes.map(async (node, index) => {
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
      if (index >= primaries) return
      const [from, to] = [index, index + 1].map((part) => Math.round((part * SLOTS) / primaries))
      await node.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String((to ?? 0) - 1))
    }),
  )
  await acquaint(nodes)
  await Promise.all(
    nodes.slice(primaries).map((node, index) => replicate(node, nodes[index % primaries] as ClusterNode)),
  )
}

/**
 * Makes the newcomers known to every node; resolves when all know one another, and agree on who owns what in which version: one
 * that has not heard of all versions would take slots under a version too low to keep them.
 */
export async function acquaint(nodes: readonly ClusterNode[], newcomers = nodes): Promise<void> {
  const pairs = newcomers.flatMap((node) =>
    nodes.filter((other) => other !== node).map((other) => [node, other] as const),
  )
  await Promise.all(pairs.map(([node, other]) => node.meet(other)))
  await until('every node knows every other one', async () => {
    const views = await Promise.all(nodes.map((node) => node.view()))
    if (new Set(views.map(digestOf)).size > 1) return false
    return views.every(({ members }) =>
      nodes.every(({ id }) => members.some((member) => member.id === id && member.isSound)),
    )
  })
}

/** Makes an empty node a replica; resolves when it has all that its primary has. */
export async function replicate(node: ClusterNode, primary: ClusterNode): Promise<void> {
  await until(`${node.name} replicates ${primary.name}`, async () => {
    await node.command('CLUSTER', 'REPLICATE', primary.id)
    return true
  })
  await inStep(node)
}

async function inStep(node: ClusterNode): Promise<void> {
  await until(`${node.name} is in step with its primary`, () => node.isInStep())
}
