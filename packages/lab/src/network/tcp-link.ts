import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lane } from './lane.ts'

/** More of a connection's beginning than anybody needs to say who they are. */
const LONGEST_HEAD = 1_024

/** Who a connection comes from, and in which lane that goes. */
export interface Peer {
  readonly lane: string
  readonly name: string
}

/** Says who a connection comes from by its first bytes; undefined as long as they do not tell. */
export type PeerOf = (head: Buffer) => Peer | undefined

/** One client's connection and its counterpart to the target. */
export class Link {
  /** Undefined until it is known. */
  peer: Peer | undefined
  readonly #client: Socket
  readonly #target: Socket
  #lane: Lane
  #swallowed = false

  constructor(client: Socket, target: Socket, lane: Lane, introduce?: (link: Link, head: Buffer) => void) {
    this.#client = client
    this.#target = target
    this.#lane = lane
    lane.links.add(this)
    client.setNoDelay(true)
    target.setNoDelay(true)
    if (introduce !== undefined) this.#listenToHead((head) => introduce(this, head))
    this.#carry(client, target, () => false)
    this.#carry(target, client, () => this.#lane.takeCut())
    client.on('close', () => this.#lane.links.delete(this))
    this.modeChanged()
  }

  /** From here on this lane's faults are its faults. */
  moveTo(lane: Lane): void {
    if (lane === this.#lane) return
    this.#lane.links.delete(this)
    this.#lane = lane
    if (!this.#client.destroyed) lane.links.add(this)
    this.modeChanged()
  }

  /** RST to both sides. */
  reset(): void {
    // One that has been told of the end cannot be reset any more: Node 20 would keep its handle, and the process, for ever.
    if (this.#client.writableEnded) this.#client.destroy()
    else this.#client.resetAndDestroy()
    this.#target.destroy()
  }

  modeChanged(): void {
    const { mode } = this.#lane
    if (mode === 'reset' || mode === 'refuse' || (this.#swallowed && mode !== 'blackhole')) {
      this.reset()
      return
    }
    if (mode === 'stall' || mode === 'hold-requests') this.#client.pause()
    else this.#client.resume()
    if (mode === 'stall' || mode === 'hold-replies' || isUnlucky(mode)) this.#target.pause()
    else this.#target.resume()
  }

  /** Shows the first bytes of the client, until its peer is known: before they are carried, so that its lane decides on them. */
  #listenToHead(show: (head: Buffer) => void): void {
    let head = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      show(head)
      if (this.peer !== undefined || head.length >= LONGEST_HEAD) this.#client.off('data', onData)
    }
    this.#client.on('data', onData)
  }

  #carry(from: Socket, to: Socket, isCut: () => boolean): void {
    let delivered: Promise<void> = Promise.resolve()
    from.on('data', (chunk) => {
      if (from.destroyed) return
      if (this.#lane.mode === 'blackhole') {
        this.#swallowed = true
        return
      }
      // Its lane became known by these very bytes, and holds them back.
      if (from.isPaused()) return void from.unshift(chunk)
      if (isCut()) return this.reset()
      const { delayMs } = this.#lane
      if (delayMs <= 0) {
        delivered = delivered.then(() => void to.write(chunk))
        return
      }
      const dueAt = performance.now() + delayMs
      // Bytes that are under way keep no process alive: their connections do, while there are any.
      delivered = delivered
        .then(() => sleep(Math.max(0, dueAt - performance.now()), undefined, { ref: false }))
        .then(() => void (to.destroyed || to.write(chunk)))
    })
    from.on('end', () => {
      if (this.#lane.mode === 'blackhole') {
        this.#swallowed = true
        return
      }
      delivered = delivered.then(() => void to.end())
    })
    from.on('error', () => {
      // In a black hole nobody learns that the other end is gone.
      if (this.#lane.mode === 'blackhole') this.#swallowed = true
      else this.reset()
    })
    from.on('close', (hadError) => {
      if (!hadError) void delivered.then(() => to.destroySoon())
    })
  }
}

function isUnlucky(mode: Lane['mode']): boolean {
  return mode === 'hold-some-replies' && Math.random() < 0.5
}
