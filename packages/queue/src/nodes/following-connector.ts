import { createConnection, Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import { type Address, addressText } from '@timers/core'
import { AbstractConnector } from 'ioredis'

/** How long a connection waits to be told where to go, in milliseconds. */
const TOLD_WITHIN_MS = 500

/** What `Redis` takes as its option `Connector`. */
export type ConnectorClass = new (options: unknown) => AbstractConnector

/** Where a connection goes, each time it connects. */
export interface Destination {
  /** Undefined while nobody knows. */
  readonly where: () => Address | undefined
  /**
   * Calls whenever it may be elsewhere.
   *
   * @returns what ends it
   */
  readonly onMove: (listener: () => void) => () => void
  /** Who knows it, where all connections go to one primary. */
  readonly primary?: PrimaryNews
}

/** Who knows which one is the primary that all connections go to. */
export interface PrimaryNews {
  /** A connection to it was lost, or did not come about. */
  lost(): void
  /** Where a connection went that says of itself that it is a replica. */
  notPrimary(address: Address): void
  /** Why nobody tells which one it is, in words for an operator. */
  readonly trouble: string | undefined
}

/**
 * Connects to wherever `where` says at the time. A connection to elsewhere is broken off as soon as that is known, without a
 * goodbye: one that stands still would not hear it. The client library connects it anew.
 *
 * It is the socket that listens, and not the client: BullMQ makes copies of clients, and ends them and connects them again.
 *
 * @param endWithinMs how long to wait for the other side's end at a disconnect
 */
export function followingConnector(
  { where, onMove, primary }: Destination,
  tls: TlsOptions | undefined,
  endWithinMs: number,
): ConnectorClass {
  return class FollowingConnector extends AbstractConnector {
    #address: Address | undefined

    constructor() {
      super(endWithinMs)
    }

    async connect(): Promise<Socket> {
      this.connecting = true
      const address = where() ?? (primary && (await firstNews({ where, onMove })))
      this.#address = address
      // Not rejected: then ioredis would end the connection for good, instead of trying again.
      if (!this.connecting) return new Socket().destroy()
      if (address === undefined) {
        this.firstError = new Error('ECONNREFUSED: no node is known to connect to')
        return new Socket().destroy()
      }
      const socket = tls === undefined ? createConnection(address) : connectTls({ ...tls, ...address })
      socket.once('error', (error) => {
        this.firstError = error
      })
      const unlisten = onMove(() => {
        const now = where()
        if (now !== undefined && addressText(now) !== addressText(address)) socket.destroy()
      })
      socket.once('close', () => {
        unlisten()
        if (this.connecting) primary?.lost()
      })
      this.stream = socket
      return socket
    }

    /** By what the server says of itself as the connection is made. */
    override check({ role }: { readonly role?: string }): boolean {
      if (primary === undefined || this.#address === undefined || role !== 'slave') return true
      primary.notPrimary(this.#address)
      return false
    }
  }
}

/** A process that has just been started asks, and is not told where to go at once. */
async function firstNews({ where, onMove }: Destination): Promise<Address | undefined> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => done(), TOLD_WITHIN_MS)
    const unlisten = onMove(() => done())
    function done(): void {
      clearTimeout(timer)
      unlisten()
      resolve()
    }
  })
  return where()
}
