import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { eventually } from '../src/index.ts'
import { Lane } from '../src/network/lane.ts'
import { Link } from '../src/network/tcp-link.ts'

test('a client that is reset in the moment in which it is told of the end is not kept for ever', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connected = async (): Promise<[Socket, Socket]> => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const [accepted] = (await once(server, 'connection')) as [Socket]
    return [socket.resume(), accepted]
  }
  const [client, atProxy] = await connected()
  const [toTarget, target] = await connected()
  const link = new Link(atProxy, toTarget, new Lane())

  atProxy.end()
  link.reset()
  client.on('error', () => {})
  await eventually(() => {
    client.write('is anybody there?')
    expect(client.destroyed).toBe(true)
  })
  client.destroy()
  target.destroy()
  await new Promise((resolve) => server.close(resolve))
})
