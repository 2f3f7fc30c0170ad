import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Faults, Lane, type ProxyMode } from './lane.ts'
import { Link, type Peer, type PeerOf } from './tcp-link.ts'

export interface TcpProxyOptions {
  readonly targetPort: number
  /** Default 127.0.0.1. */
  readonly targetHost?: string
  /** Default: a free one. */
  readonly port?: number
  /**
   * Tells connections apart by what they begin with, so that each kind has faults of its own (`lane`). Until it is known
   * who they are, their bytes go through. Such a proxy always listens: `refuse` is `reset` then.
   */
  readonly peerOf?: PeerOf
}

/** A TCP proxy on 127.0.0.1 that plays a faulty network. Its port stays the same in all modes. */
export interface TcpProxy extends Faults {
  readonly port: number
  /** Faults of the connections of one kind alone, as `peerOf` names it. */
  lane(name: string): Faults
  /** Cuts these peers off, present and future ones, whatever their lane does: a black hole until it is called with others. */
  cutOff(isCut: (peer: Peer) => boolean): void
  close(): Promise<void>
}

/** Starts a proxy to a port of this machine. The test must `close()` it. */
export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const { peerOf, targetHost = '127.0.0.1', targetPort } = options
  const common = new Lane()
  const unknown = new Lane()
  const cut = new Lane('blackhole')
  const lanes = new Map<string, Lane>()
  const laneOf = (name: string): Lane => {
    const lane = lanes.get(name) ?? new Lane()
    lanes.set(name, lane)
    return lane
  }
  const allLanes = (): Lane[] => [common, unknown, cut, ...lanes.values()]
  let isCut = (_: Peer): boolean => false

  const assign = (link: Link): void => {
    if (link.peer !== undefined) link.moveTo(isCut(link.peer) ? cut : laneOf(link.peer.lane))
  }
  const introduce = (link: Link, head: Buffer): void => {
    link.peer ??= peerOf?.(head)
    assign(link)
  }
  const accept = (client: Socket): void => {
    if (peerOf === undefined && common.mode === 'reset') return void client.resetAndDestroy()
    const target = connect({ host: targetHost, port: targetPort })
    if (peerOf === undefined) new Link(client, target, common)
    else new Link(client, target, unknown, introduce)
  }
  let server: Server | undefined = await listen(options.port ?? 0, accept)
  const { port } = server.address() as AddressInfo
  const stopListening = async (): Promise<void> => {
    const listening = server
    server = undefined
    const closed = new Promise((resolve) =>
      listening === undefined ? resolve(undefined) : listening.close(resolve),
    )
    for (const lane of allLanes()) lane.dropConnections()
    await closed
  }

  return {
    port,
    get mode() {
      return common.mode
    },
    get connections() {
      return common.connections
    },
    setMode: async (mode: ProxyMode) => {
      await common.setMode(mode)
      if (mode === 'refuse') await stopListening()
      else server ??= await listen(port, accept)
    },
    dropConnections: () => common.dropConnections(),
    setDelay: (ms) => common.setDelay(ms),
    cutReplies: (count) => common.cutReplies(count),
    lane: laneOf,
    cutOff: (nowCut) => {
      isCut = nowCut
      for (const lane of allLanes()) for (const link of [...lane.links]) assign(link)
    },
    close: stopListening,
  }
}

async function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, accept)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port }, resolve)
  })
  return server
}
