import { connect } from 'node:net'

/** A reply of Redis. An error reply (`-ERR ...`) is no value: it rejects the command. */
export type RedisReply = string | number | null | RedisReply[]

/**
 * Sends one command over a connection of its own to 127.0.0.1 and gives its reply.
 *
 * It exists so that this package needs no Redis client: it speaks just enough RESP2 for PING, INFO, CONFIG and the like.
 * Rejects with the text of an error reply (`LOADING ...`), with the socket's error, or after `timeoutMs` of silence.
 */
export async function redisCommand(
  port: number,
  command: readonly string[],
  timeoutMs = 2_000,
): Promise<RedisReply> {
  const [reply = null] = await redisCommands(port, [command], timeoutMs)
  return reply
}

/**
 * Sends commands back to back over one connection of their own, and gives their replies: for what a connection remembers (AUTH,
 * ASKING, READONLY), and for many at once. Rejects as redisCommand() does; then those behind the failed one may have run or not.
 */
export async function redisCommands(
  port: number,
  commands: readonly (readonly string[])[],
  timeoutMs = 2_000,
): Promise<RedisReply[]> {
  const answers = await exchange(port, commands, timeoutMs, true)
  return answers as RedisReply[]
}

/** The same, where an error reply is an answer like any other, and the commands behind it are answered too. */
export function redisAnswers(
  port: number,
  commands: readonly (readonly string[])[],
  timeoutMs = 2_000,
): Promise<(RedisReply | Error)[]> {
  return exchange(port, commands, timeoutMs, false)
}

function exchange(
  port: number,
  commands: readonly (readonly string[])[],
  timeoutMs: number,
  endsAtError: boolean,
): Promise<(RedisReply | Error)[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    const replies: (RedisReply | Error)[] = []
    let received = Buffer.alloc(0)
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(timeoutMs, () => fail(new Error(`No answer from port ${port} within ${timeoutMs} ms`)))
    socket.on('error', fail)
    socket.on('end', () => fail(new Error(`Port ${port} closed the connection without an answer`)))
    socket.on('connect', () => socket.write(commands.map(encode).join('')))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      try {
        let end = 0
        for (let parsed = parse(received, 0); parsed !== undefined; parsed = parse(received, end)) {
          if (endsAtError && parsed.value instanceof Error) throw parsed.value
          replies.push(parsed.value)
          end = parsed.end
        }
        received = received.subarray(end)
        if (replies.length < commands.length) return
        socket.destroy()
        resolve(replies)
      } catch (error) {
        fail(error as Error)
      }
    })
  })
}

function encode(command: readonly string[]): string {
  const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return `*${command.length}\r\n${words.join('')}`
}

/** The reply that starts at `at`, and where it ends; undefined when it is not all there yet. */
function parse(buffer: Buffer, at: number): { value: RedisReply | Error; end: number } | undefined {
  const lineEnd = buffer.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const line = buffer.toString('utf8', at + 1, lineEnd)
  const next = lineEnd + 2
  switch (String.fromCharCode(buffer[at] ?? 0)) {
    case '+':
      return { value: line, end: next }
    case '-':
      return { value: new Error(line), end: next }
    case ':':
      return { value: Number(line), end: next }
    case '$': {
      const length = Number(line)
      if (length < 0) return { value: null, end: next }
      if (buffer.length < next + length + 2) return undefined
      return { value: buffer.toString('utf8', next, next + length), end: next + length + 2 }
    }
    case '*': {
      const items: RedisReply[] = []
      let end = next
      for (let left = Number(line); left > 0; left--) {
        const item = parse(buffer, end)
        if (item === undefined) return undefined
        if (item.value instanceof Error) throw item.value
        items.push(item.value)
        end = item.end
      }
      return { value: items, end }
    }
    default:
      throw new Error('This is not a Redis: its answer is not in the Redis protocol')
  }
}
