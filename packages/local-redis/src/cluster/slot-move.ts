import type { ClusterNode } from './cluster-node.ts'

const MIGRATE_TIMEOUT_MS = 5_000

/**
 * Slots on their way from one primary to another, while clients go on: begin, then steps, then finish. Between them the slots
 * are half here and half there for as long as one likes.
 */
export class SlotMove {
  readonly slots: readonly number[]
  readonly from: ClusterNode
  readonly to: ClusterNode
  readonly #others: readonly ClusterNode[]

  private constructor(
    slots: readonly number[],
    from: ClusterNode,
    to: ClusterNode,
    others: readonly ClusterNode[],
  ) {
    this.slots = slots
    this.from = from
    this.to = to
    this.#others = others
  }

  /** Opens the way: from here on keys that the source does not have are asked for at the target. Safe to do again. */
  static async begin(
    slots: readonly number[],
    { from, to, others }: { from: ClusterNode; to: ClusterNode; others: readonly ClusterNode[] },
  ): Promise<SlotMove> {
    // The target first: a client that is sent there must not be sent back.
    await to.commands(slots.map((slot) => ['CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', from.id]))
    await from.commands(slots.map((slot) => ['CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', to.id]))
    return new SlotMove(slots, from, to, others)
  }

  /** Keys that are still at the source. */
  async keysLeft(): Promise<number> {
    const counts = await this.#countKeys()
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** Moves up to so many keys, all of one slot; gives how many. 0: the source has none left. */
  async step(keys = 1_000): Promise<number> {
    const counts = await this.#countKeys()
    const slot = this.slots[counts.findIndex((count) => count > 0)]
    if (slot === undefined) return 0
    const names = await this.from.command('CLUSTER', 'GETKEYSINSLOT', String(slot), String(keys))
    if (!Array.isArray(names) || names.length === 0) return this.step(keys)
    const { password } = this.to
    const login = password === undefined ? [] : ['AUTH', password]
    const target = [
      '127.0.0.1',
      String(this.to.migrationPort),
      '',
      '0',
      String(MIGRATE_TIMEOUT_MS),
      'REPLACE',
    ]
    await this.from.command('MIGRATE', ...target, ...login, 'KEYS', ...names.map(String))
    return names.length
  }

  /** Moves the rest, and tells everybody whose the slots are now. */
  async finish(): Promise<void> {
    while ((await this.step()) > 0);
    const handOver = this.slots.map((slot) => ['CLUSTER', 'SETSLOT', String(slot), 'NODE', this.to.id])
    // The target first: should all end here, it is the one that knows.
    await this.to.commands(handOver)
    await this.from.commands(handOver)
    await Promise.all(
      this.#others.map(async (node) => {
        // Replicas hear of it from their primaries, and take no such order.
        if ((await node.role()) === 'primary') await node.commands(handOver)
      }),
    )
  }

  async #countKeys(): Promise<number[]> {
    const replies = await this.from.commands(
      this.slots.map((slot) => ['CLUSTER', 'COUNTKEYSINSLOT', String(slot)]),
    )
    return replies.map(Number)
  }
}
