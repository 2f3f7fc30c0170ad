import { createConnection, Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { Address } from '@timers/core'
import { AbstractConnector } from 'ioredis'

/** What `Redis` takes as its option `Connector`. */
export type ConnectorClass = new (options: unknown) => AbstractConnector

/**
 * Connects to wherever `where` says at the time: for a connection that waits at one shard, on whichever node that is.
 *
 * @param where undefined while no node is known to serve the shard
 * @param endWithinMs how long to wait for the other side's end at a disconnect
 */
export function followingConnector(
  where: () => Address | undefined,
  tls: TlsOptions | undefined,
  endWithinMs: number,
): ConnectorClass {
  return class FollowingConnector extends AbstractConnector {
    constructor() {
      super(endWithinMs)
    }

    async connect(): Promise<Socket> {
      this.connecting = true
      const address = where()
      if (address === undefined) {
        // Not rejected: then ioredis would end the connection for good, instead of trying again.
        this.firstError = new Error('ECONNREFUSED: no node is known to serve this shard')
        return new Socket().destroy()
      }
      const socket = tls === undefined ? createConnection(address) : connectTls({ ...tls, ...address })
      socket.once('error', (error) => {
        this.firstError = error
      })
      this.stream = socket
      return socket
    }
  }
}
