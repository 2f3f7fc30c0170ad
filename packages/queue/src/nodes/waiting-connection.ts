import { type Address, toAddress } from '@timers/core'
import type { Redis } from 'ioredis'

/** Where a shard is, for a connection that waits at it. */
export interface Whereabouts {
  /** `host:port` of the node that serves the shard, undefined while none is known. */
  owner(): string | undefined
  /** The node that was asked says that the shard is elsewhere: `host:port`, as it wrote it. */
  moved(text: string, asked: Address): void
  /** Opens a connection that connects to `where()` each time, and as soon as that is elsewhere. */
  open(where: () => Address | undefined): Redis
}

/**
 * A connection that goes where its shard goes: when the map of the cluster says that it has moved, and when the node itself says
 * so. The second is no less needed: a connection that came up at the old node just as the map changed would stay there for good, and
 * nobody asks that node for anything else.
 */
export function waitingConnection({ owner, moved, open }: Whereabouts): Redis {
  let asked: Address | undefined
  const redis = open(() => {
    const now = owner()
    asked = now === undefined ? undefined : toAddress(now)
    return asked
  })
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command, stream) => {
    command.promise.catch(({ message }: Error) => {
      const [, text] = /^MOVED \d+ (\S+)/.exec(message) ?? []
      if (text === undefined || asked === undefined) return
      moved(text, asked)
      redis.disconnect(true)
    })
    return send(command, stream)
  }
  return redis
}
