import type { Redis } from 'ioredis'
import type { Node } from '../nodes/node.ts'
import type { Connections, Nodes } from '../nodes/nodes.ts'

/** The connections over which the Workers of one launch take, claim and record: one to each node. */
export class WorkerConnections implements Connections {
  readonly #nodes: Nodes
  readonly #byNode = new Map<Node, Redis>()
  readonly #unlisten: () => void
  #closed = false

  constructor(nodes: Nodes) {
    this.#nodes = nodes
    this.#unlisten = nodes.onChange(() => this.#letGo())
  }

  get closed(): boolean {
    return this.#closed
  }

  to(node: Node): Redis {
    let redis = this.#byNode.get(node)
    if (redis === undefined) {
      redis = node.connectWorker()
      this.#byNode.set(node, redis)
    }
    return redis
  }

  /** What still waits for Redis ends here. */
  close(): void {
    this.#closed = true
    this.#unlisten()
    for (const redis of this.#byNode.values()) redis.disconnect()
  }

  /** Of nodes that serve no shard any more: what they have not answered is asked of those that do. */
  #letGo(): void {
    const serving = new Set(this.#nodes.all)
    for (const [node, redis] of this.#byNode) {
      if (serving.has(node)) continue
      this.#byNode.delete(node)
      redis.disconnect()
    }
  }
}
