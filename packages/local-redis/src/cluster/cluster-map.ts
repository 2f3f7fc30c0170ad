import { until } from '../until.ts'
import type { ClusterNode } from './cluster-node.ts'
import { type ClusterView, digestOf, slotsOf } from './cluster-view.ts'

const FAILOVER_TIMEOUT_MS = 15_000

/** Who is what in a cluster of ours, asked of its nodes each time: it changes behind our back. */
export abstract class ClusterMap {
  protected readonly members: ClusterNode[] = []

  get nodes(): readonly ClusterNode[] {
    return this.members
  }

  /** Those that own slots, and those that may get some, as most nodes see it. Gone ones that nobody has replaced are among them. */
  async primaries(): Promise<ClusterNode[]> {
    const { members } = await this.view()
    return this.members.filter(({ id }) => members.some((member) => member.id === id && member.isPrimary))
  }

  async replicasOf(primary: ClusterNode): Promise<ClusterNode[]> {
    const { members } = await this.view()
    return this.members.filter(({ id }) =>
      members.some((member) => member.id === id && !member.isPrimary && member.primaryId === primary.id),
    )
  }

  async primaryOf(replica: ClusterNode): Promise<ClusterNode | undefined> {
    const { members } = await this.view()
    const primaryId = members.find(({ id }) => id === replica.id)?.primaryId
    return this.members.find(({ id }) => id === primaryId)
  }

  /** The primary that owns a slot. */
  async ownerOf(slot: number): Promise<ClusterNode> {
    const { members } = await this.view()
    const owner = members.find(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to))
    const node = this.members.find(({ id }) => id === owner?.id)
    if (node === undefined) throw new Error(`Nobody owns slot ${slot}`)
    return node
  }

  /** The primary that has a key, if it is there. */
  async ownerOfKey(key: string): Promise<ClusterNode> {
    return this.ownerOf(await this.slotOf(key))
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.#anyNode().command('CLUSTER', 'KEYSLOT', key))
  }

  /** The slots of a primary. */
  async slotsOf(node: ClusterNode): Promise<number[]> {
    const { members } = await this.view()
    const member = members.find(({ id }) => id === node.id)
    return member === undefined ? [] : slotsOf(member)
  }

  /** The cluster as the node sees it that has heard the newest: one that is cut off knows of older things. */
  async view(): Promise<ClusterView> {
    const answers = await Promise.allSettled(this.running().map((node) => node.view()))
    const views = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const [newest] = views.sort((a, b) => b.epoch - a.epoch || soundIn(b) - soundIn(a))
    if (newest === undefined) throw new Error('No node of the cluster answers')
    return newest
  }

  /** Resolves when all nodes that run agree that all is well, and every replica is in step. */
  async healthy(timeoutMs = 30_000): Promise<void> {
    await until(
      'the cluster is healthy',
      async () => {
        const running = this.running()
        const views = await Promise.all(running.map((node) => node.view()))
        const agree = new Set(views.map(digestOf)).size === 1
        const known = ({ members, isOk }: ClusterView) =>
          isOk && running.every(({ id }) => members.some((member) => member.id === id && member.isSound))
        if (!agree || !views.every(known)) return false
        return (await Promise.all(running.map((node) => node.isInStep()))).every(Boolean)
      },
      timeoutMs,
    )
  }

  /** Resolves when a node is primary in the eyes of all that answer. */
  async promoted(heir: ClusterNode, timeoutMs = FAILOVER_TIMEOUT_MS): Promise<void> {
    await until(
      `${heir.name} is primary`,
      async () => {
        const views = await Promise.all(this.running().map((node) => node.view()))
        return views.every(({ members }) => members.some(({ id, isPrimary }) => id === heir.id && isPrimary))
      },
      timeoutMs,
    )
  }

  /** Resolves with the replica that has taken over from a primary that is gone or cut off. */
  async successorOf(primary: ClusterNode, heirs: readonly ClusterNode[]): Promise<ClusterNode> {
    return until(
      `somebody takes over from ${primary.name}`,
      async () => {
        const { members } = await this.view()
        return heirs.find(({ id }) => members.some((member) => member.id === id && member.isPrimary))
      },
      FAILOVER_TIMEOUT_MS,
    )
  }

  /** The primary with slots that has the fewest replicas. */
  protected async poorest(except: ClusterNode): Promise<ClusterNode> {
    const { members } = await this.view()
    const replicas = (id: string) => members.filter(({ primaryId }) => primaryId === id).length
    const [poorest] = members
      .filter(({ id, slots, isSound }) => slots.length > 0 && isSound && id !== except.id)
      .sort((a, b) => replicas(a.id) - replicas(b.id))
    const node = this.members.find(({ id }) => id === poorest?.id)
    if (node === undefined) throw new Error('No primary is left')
    return node
  }

  protected running(): ClusterNode[] {
    return this.members.filter(({ answers }) => answers)
  }

  #anyNode(): ClusterNode {
    const [node] = this.running()
    if (node === undefined) throw new Error('No node of the cluster runs')
    return node
  }
}

function soundIn({ members }: ClusterView): number {
  return members.filter(({ isSound }) => isSound).length
}
