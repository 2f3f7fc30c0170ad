import type { Peer } from './tcp-link.ts'

/** What a replica sends before it says that it is one: it logs in and asks whether anybody is there. */
const HANDSHAKE = /^(\*1\r\n\$4\r\nPING\r\n|\*[23]\r\n\$4\r\nAUTH\r\n(\$\d+\r\n[^\r]*\r\n){1,2})*$/
const REPLICA_PORT = /\$14\r\nlistening-port\r\n\$\d+\r\n(\d+)\r\n/
/** How ioredis logs in, on RESP 3 and before it. */
const LOGIN =
  /^(?:\*5\r\n\$5\r\nhello\r\n\$1\r\n3\r\n\$4\r\nAUTH|\*3\r\n\$4\r\nauth)\r\n\$\d+\r\n([^\r]*)\r\n/
const SENTINEL = /sentinel-[0-9a-f]{8}-(?:cmd|pubsub)/
/** Where the header of a message on the bus has the sender's id (cluster.h, clusterMsg), in bytes. */
const SENDER = { from: 40, to: 80 }

/**
 * Who talks to a Redis: a replica (`replica:<its port>`), a Sentinel, or a client. All three come to the same port. One that has
 * only said PING or AUTH, in capitals, may still be any of them. A client that logs in as a user is named after it.
 */
export function redisPeerOf(head: Buffer): Peer | undefined {
  const text = head.toString('latin1')
  const [, port] = REPLICA_PORT.exec(text) ?? []
  if (port !== undefined) return { lane: 'replicas', name: `replica:${port}` }
  if (SENTINEL.test(text)) return { lane: 'sentinels', name: 'sentinel' }
  if (HANDSHAKE.test(text)) return undefined
  const [, user] = LOGIN.exec(text) ?? []
  return { lane: 'clients', name: user === undefined ? 'client' : `client:${user}` }
}

/** Which node of a cluster talks on the bus: its id. */
export function busPeerOf(head: Buffer): Peer | undefined {
  if (head.length < SENDER.to) return undefined
  return { lane: 'bus', name: head.toString('latin1', SENDER.from, SENDER.to) }
}
