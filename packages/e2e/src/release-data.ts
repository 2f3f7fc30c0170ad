import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

/**
 * A file that release 0.1.0 left behind: `timers.json`, its timers as its API showed them at the end, or the append-only file.
 * A worker was killed in the middle of a webhook, two timers came due after that.
 */
export const releaseFile = (name: string) => new URL(`../fixtures/release-0.1/${name}`, import.meta.url)

/** Of the receiver of all these timers. */
const PORT_THEN = '41999'

/** Gives a Redis the timers of release 0.1.0, for a receiver on another port: an append-only file holds commands as a client sends them. */
export async function loadReleaseData(port: number, receiverPort: number): Promise<void> {
  const file = readFileSync(releaseFile('appendonlydir/appendonly.aof.1.incr.aof'), 'latin1')
  if (String(receiverPort).length !== PORT_THEN.length)
    throw new Error('the lengths in the file would be wrong')
  const socket = connect(port, '127.0.0.1')
  socket.resume()
  socket.end(Buffer.from(file.replaceAll(PORT_THEN, String(receiverPort)), 'latin1'))
  await new Promise((resolve, reject) => socket.once('close', resolve).once('error', reject))
}
