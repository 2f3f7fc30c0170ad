import type { Socket } from 'node:net'
import type { Redis } from 'ioredis'

/**
 * Most commands of one write. With no bound, all of a busy API's clients walk in step: nobody works while Redis does.
 * Measured: docs/benchmarks.md.
 */
const MOST_A_WRITE = 16

/**
 * Sends the commands of one turn of the event loop together: one system call for all of them here, and one turn in
 * Redis, with one fsync.
 */
export function writeTogether(client: Redis): void {
  const send = client.sendCommand.bind(client)
  let held: { readonly socket: Socket; commands: number } | undefined
  const release = (): void => {
    held?.socket.uncork()
    held = undefined
  }
  client.sendCommand = (command, stream) => {
    const socket = client.stream as Socket | undefined
    if (held === undefined && socket !== undefined) {
      socket.cork()
      const mine = { socket, commands: 0 }
      held = mine
      setImmediate(() => held === mine && release())
    }
    const sent = send(command, stream)
    if (held !== undefined && ++held.commands >= MOST_A_WRITE) release()
    return sent
  }
}
