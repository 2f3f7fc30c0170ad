import { eventually, startTcpProxy, startTestRedis } from '@timers/lab'
import { Node } from '../src/nodes/node.ts'

const LOG = { debug() {}, info() {}, warn() {}, error() {} }

test('a connection that came back from another server, with replicas, was a yes for a write of the first', async () => {
  const closers: (() => unknown)[] = []
  const start = async (extraArgs: readonly string[] = []) => {
    const redis = await startTestRedis({ extraArgs })
    closers.push(() => redis.stop())
    return redis
  }
  try {
    // As a failover does it: the write is on the old one only, and its successor has a replica.
    const [old, successor] = await Promise.all([start(), start(['--repl-diskless-sync-delay', '0'])])
    await start(['--replicaof', '127.0.0.1', `${successor.port}`])
    await eventually(async () =>
      expect(String(await successor.command('INFO', 'replication'))).toMatch(/state=online/),
    )
    const before = await startTcpProxy({ targetPort: old.port })
    const endpoint = { kind: 'single', url: `redis://127.0.0.1:${before.port}` } as const
    const hooks = () => ({ check: async () => {}, verified() {}, unfit() {} })
    const node = new Node(
      'redis',
      endpoint,
      { log: LOG },
      { changes: true, hooks, unfit() {}, replicaAcks: 1 },
    )
    closers.push(() => node.close())
    await eventually(() => expect(node.changes?.status).toBe('ready'))

    const answer = node.changes?.eval("return redis.call('SET', 'written', '1')", 0)
    const failure = expect(answer).rejects.toMatchObject({ name: 'NotConfirmedError', answer: 'OK' })
    await eventually(async () => expect(await old.command('EXISTS', 'written')).toBe(1))
    await before.close()
    const after = await startTcpProxy({ targetPort: successor.port, port: before.port })
    closers.push(() => after.close())
    await failure
    await eventually(() => expect(node.changes?.status).toBe('ready'))
    // What is written there is confirmed there.
    expect(await node.changes?.eval("return redis.call('SET', 'written', '2')", 0)).toBe('OK')
  } finally {
    for (const close of closers.reverse()) await close()
  }
})
