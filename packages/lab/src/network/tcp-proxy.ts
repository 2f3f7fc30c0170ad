import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What the network between client and target does:
 * - `forward`: bytes go through, both ways.
 * - `blackhole`: connections are accepted and kept, but every byte is swallowed. Connections that lost bytes this way are
 *   reset when the mode ends: a stream with a hole in it exists in no real network.
 * - `stall`: like a cut cable that is mended: bytes are held back, and delivered when the mode ends.
 * - `hold-requests`: requests are held back, and delivered when the mode ends; what had reached the target is answered.
 * - `hold-replies`: requests reach the target; replies are held back, and delivered when the mode ends.
 * - `hold-some-replies`: the same on about half of the connections: they stall one by one where packets are lost.
 * - `cut-replies`: requests reach the target; the first reply is dropped and the client's connection reset, so that the
 *   client cannot know whether its command ran.
 * - `reset`: every connection, old and new, is reset.
 * - `refuse`: nobody listens on the port; old connections are reset.
 */
export type ProxyMode =
  | 'forward'
  | 'blackhole'
  | 'stall'
  | 'hold-requests'
  | 'hold-replies'
  | 'hold-some-replies'
  | 'cut-replies'
  | 'reset'
  | 'refuse'

export interface TcpProxyOptions {
  readonly targetPort: number
  /** Default 127.0.0.1. */
  readonly targetHost?: string
  /** Default: a free one. */
  readonly port?: number
}

/** A TCP proxy on 127.0.0.1 that plays a faulty network. Its port stays the same in all modes. */
export interface TcpProxy {
  readonly port: number
  readonly mode: ProxyMode
  /** Number of clients that are connected. */
  readonly connections: number
  setMode(mode: ProxyMode): Promise<void>
  /** Resets all present connections; the mode stays. */
  dropConnections(): void
  /** Holds every chunk of bytes back for so long, in both directions and in order. 0 ends it. */
  setDelay(ms: number): void
  /**
   * Drops the next reply of the target, on whichever connection it comes, and resets that connection; once for each of
   * `count`. Resolves when that has happened.
   */
  cutReplies(count?: number): Promise<void>
  close(): Promise<void>
}

interface Cut {
  left: number
  readonly done: () => void
}

/** Starts a proxy to a port of this machine. The test must `close()` it. */
export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const links = new Set<Link>()
  const cuts: Cut[] = []
  const network: Network = {
    mode: 'forward',
    delayMs: 0,
    takeCut: () => {
      if (network.mode === 'cut-replies') return true
      const [cut] = cuts
      if (cut === undefined) return false
      cut.left -= 1
      if (cut.left === 0) {
        cuts.shift()
        cut.done()
      }
      return true
    },
  }

  const accept = (client: Socket): void => {
    if (network.mode === 'reset') return void client.resetAndDestroy()
    const target = connect({ host: options.targetHost ?? '127.0.0.1', port: options.targetPort })
    const link = new Link(client, target, network, () => links.delete(link))
    links.add(link)
  }
  const dropConnections = (): void => {
    for (const link of links) link.reset()
  }
  let server: Server | undefined = await listen(options.port ?? 0, accept)
  const { port } = server.address() as AddressInfo
  const stopListening = async (): Promise<void> => {
    const listening = server
    server = undefined
    const closed = new Promise((resolve) =>
      listening === undefined ? resolve(undefined) : listening.close(resolve),
    )
    dropConnections()
    await closed
  }

  return {
    port,
    get mode() {
      return network.mode
    },
    get connections() {
      return links.size
    },
    setMode: async (mode) => {
      network.mode = mode
      for (const link of links) link.modeChanged()
      if (mode === 'refuse') await stopListening()
      else server ??= await listen(port, accept)
      if (mode === 'reset') dropConnections()
    },
    dropConnections,
    setDelay: (ms) => {
      network.delayMs = ms
    },
    cutReplies: (count = 1) => new Promise((resolve) => cuts.push({ left: count, done: resolve })),
    close: stopListening,
  }
}

interface Network {
  mode: ProxyMode
  delayMs: number
  /** Whether the reply that has just come is to be dropped. */
  takeCut(): boolean
}

/** One client's connection and its counterpart to the target. */
class Link {
  readonly #client: Socket
  readonly #target: Socket
  readonly #network: Network
  #swallowed = false

  constructor(client: Socket, target: Socket, network: Network, onClose: () => void) {
    this.#client = client
    this.#target = target
    this.#network = network
    client.setNoDelay(true)
    target.setNoDelay(true)
    this.#carry(client, target, () => false)
    this.#carry(target, client, () => network.takeCut())
    client.on('close', onClose)
    this.modeChanged()
  }

  /**
   * RST to both sides; a plain end to a client that was told of an end already. Node 20 takes a socket for closed that it
   * resets while its end is under way, libuv does not, and the process then turns in circles as it exits.
   */
  reset(): void {
    if (this.#client.writableEnded) this.#client.destroy()
    else this.#client.resetAndDestroy()
    this.#target.destroy()
  }

  modeChanged(): void {
    const { mode } = this.#network
    if (this.#swallowed && mode !== 'blackhole') {
      this.reset()
      return
    }
    if (mode === 'stall' || mode === 'hold-requests') this.#client.pause()
    else this.#client.resume()
    if (mode === 'stall' || mode === 'hold-replies' || isUnlucky(mode)) this.#target.pause()
    else this.#target.resume()
  }

  #carry(from: Socket, to: Socket, isCut: () => boolean): void {
    let delivered: Promise<void> = Promise.resolve()
    from.on('data', (chunk) => {
      if (this.#network.mode === 'blackhole') {
        this.#swallowed = true
        return
      }
      if (isCut()) return this.reset()
      const { delayMs } = this.#network
      if (delayMs <= 0) {
        delivered = delivered.then(() => void to.write(chunk))
        return
      }
      const dueAt = performance.now() + delayMs
      delivered = delivered
        .then(() => sleep(Math.max(0, dueAt - performance.now())))
        .then(() => void (to.destroyed || to.write(chunk)))
    })
    from.on('end', () => {
      if (this.#network.mode === 'blackhole') {
        this.#swallowed = true
        return
      }
      delivered = delivered.then(() => void to.end())
    })
    from.on('error', () => {
      // In a black hole nobody learns that the other end is gone.
      if (this.#network.mode === 'blackhole') this.#swallowed = true
      else this.reset()
    })
    from.on('close', (hadError) => {
      if (!hadError) void delivered.then(() => to.destroySoon())
    })
  }
}

function isUnlucky(mode: ProxyMode): boolean {
  return mode === 'hold-some-replies' && Math.random() < 0.5
}

async function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, accept)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port }, resolve)
  })
  return server
}
