import type { Socket } from 'node:net'
import { httpAnswer } from './faulty-receivers.ts'
import { client, clientSockets, delivered, fateOf, receiver, statusIn } from './outcomes-bed.ts'

describe('connections that are used again', () => {
  test('are used again, and gather no listeners', async () => {
    const polite = await receiver({ onRequest: (socket) => socket.write(httpAnswer(200)) })
    const sender = client()
    const send = (id: number) => sender.send({ id, url: `http://127.0.0.1:${polite.port}`, attempt: 1 })
    const listeners = (): Record<string, number> => {
      const [socket] = clientSockets
      const names = socket?.eventNames() ?? []
      return Object.fromEntries(names.map((name) => [String(name), socket?.listenerCount(name) ?? 0]))
    }
    await send(1)
    await send(2)
    const before = listeners()
    for (let id = 3; id <= 40; id += 1) await send(id)
    expect(listeners()).toEqual(before)
    expect(polite).toMatchObject({ requests: 40, connections: 1 })
  })

  test.each(['resetAndDestroy', 'end'] as const)('closed (%s) just as it is used again', async (how) => {
    let idle: Socket | undefined
    const hasty = await receiver({
      onRequest: (socket) => {
        idle = socket
        socket.write(httpAnswer(200))
      },
    })
    const sender = client()
    const url = `http://127.0.0.1:${hasty.port}`
    expect(await fateOf(sender, url, hasty)).toEqual(delivered())
    // Right before the request is written: the event loop cannot hear of the close any more.
    const mayLeave = (): boolean => {
      idle?.pause()
      idle?.[how]()
      return true
    }
    const result = await sender.send({ id: 8, url, attempt: 1, mayLeave })
    expect(result).toMatchObject({ outcome: 'ambiguous', reason: 'connection reset' })
    expect(hasty).toMatchObject({ requests: 1, connections: 1 })
    expect(statusIn('at_most_once', result)).toBe('unknown')
    expect(statusIn('at_least_once', result)).toBe('retry')
  })

  test('known to be closed before it could carry anything', async () => {
    const waiting: Socket[] = []
    const polite = await receiver({
      onRequest: (socket, number) => {
        waiting.push(socket)
        if (number > 1) for (const each of waiting.splice(0)) each.write(httpAnswer(200))
      },
    })
    const sender = client()
    const url = `http://127.0.0.1:${polite.port}`
    await Promise.all([1, 2].map((id) => sender.send({ id, url, attempt: 1 })))
    const idle = clientSockets.filter(({ remotePort }) => remotePort === polite.port)
    expect(idle).toHaveLength(2)
    // Node's pool looks for closed ones at its other end only, and hands out the last of them.
    const mayLeave = (): boolean => {
      idle.at(-1)?.destroy()
      return true
    }
    const result = await sender.send({ id: 3, url, attempt: 1, mayLeave })
    expect(result).toMatchObject({ outcome: 'never_sent', reason: 'connection reset' })
    expect(polite.requests).toBe(2)
  })
})
