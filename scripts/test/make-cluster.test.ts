import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually, startTestRedis, type TestRedis } from '@timers/lab'

const SCRIPT = fileURLToPath(new URL('../../deploy/redis/make-cluster.sh', import.meta.url))

describe('the cluster of docker-compose.cluster.yml', () => {
  let nodes: TestRedis[] = []

  beforeEach(async () => {
    const extraArgs = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
    nodes = await Promise.all(Array.from({ length: 6 }, () => startTestRedis({ extraArgs })))
  })
  afterEach(() => Promise.all(nodes.map((node) => node.stop())))

  const places = () => nodes.map(({ port }) => `127.0.0.1:${port}`)
  const make = () => promisify(execFile)('sh', [SCRIPT, ...places()])
  const linesOf = async (node: TestRedis) =>
    String(await node.command('CLUSTER', 'NODES'))
      .trim()
      .split('\n')

  /** Three primaries with all slots, and a replica of each, as every node has it. */
  async function expectWhole(): Promise<void> {
    await eventually(
      async () => {
        for (const node of nodes) {
          expect(String(await node.command('CLUSTER', 'INFO'))).toMatch(/cluster_state:ok/)
          const lines = await linesOf(node)
          const followed = lines.flatMap((line) => /slave (\w+)/.exec(line)?.[1] ?? [])
          expect([lines.length, new Set(followed).size]).toEqual([6, 3])
        }
      },
      { timeoutMs: 20_000 },
    )
  }

  test('is made once, and left alone when it is whole, also after a failover', async () => {
    await make()
    await expectWhole()
    const heir = nodes[3] as TestRedis
    // A replica hears of its primary's slots a moment later.
    await eventually(async () => expect(await heir.command('CLUSTER', 'FAILOVER')).toBe('OK'))
    await eventually(async () => expect((await linesOf(heir)).join()).toMatch(/myself,master/))
    const before = await heir.command('CLUSTER', 'SLOTS')
    await make()
    expect(await heir.command('CLUSTER', 'SLOTS')).toEqual(before)
    await expectWhole()
  })

  test('that was cut off with a part of its slots and one acquaintance is made whole by the next start', async () => {
    const [first, second] = nodes as [TestRedis, TestRedis]
    await first.command('CLUSTER', 'MEET', '127.0.0.1', String(second.port))
    await first.command('CLUSTER', 'ADDSLOTSRANGE', '0', '5460')
    await make()
    await expectWhole()
  })

  test('that was cut off before its replicas were told of their primaries gets them at the next start', async () => {
    await make()
    await expectWhole()
    const last = nodes[5] as TestRedis
    await last.command('CLUSTER', 'RESET', 'SOFT')
    await make()
    await expectWhole()
  })
})
