import { eventually, timed } from '@timers/lab'
import type { Answer } from 'dns-packet'
import { Names } from '../src/delivery/names/names.ts'
import {
  ipv4,
  makeNameFiles,
  type NameServer,
  NO_DATA,
  NXDOMAIN,
  SERVFAIL,
  startNameServer,
  type TestNameFiles,
} from './name-server.ts'

/** The limit on a look-up is 5 s; what is looked at here must come long before. */
const QUICK_MS = 1_500

let server: NameServer
let files: TestNameFiles
let names: Names

beforeEach(async () => {
  server = await startNameServer((name, type) => ipv4(name, type, ['192.0.2.1']))
  files = await makeNameFiles({ resolvConf: `nameserver ${server.address}\n` })
  names = new Names({ files })
})

afterEach(async () => {
  names.close()
  await Promise.all([server.close(), files.remove()])
})

const addresses = async (name: string): Promise<string[]> =>
  (await names.resolve(name)).map(({ address }) => address)
const asked = (name: string): number => server.asked.filter((question) => question === `A ${name}`).length

async function failureOf(name: string): Promise<{ code: unknown; tookMs: number }> {
  const { value, tookMs } = await timed(() => names.resolve(name).catch((reason) => reason))
  return { code: value.code, tookMs }
}

const NOT_FOUND = { code: 'ENOTFOUND' }
const FAILED = { code: 'ERR_NAME_FAILED' }
const TIMED_OUT = { code: 'ERR_NAME_TIMEOUT' }

describe('what is remembered', () => {
  test('an answer is used until its TTL is over, and a changed address is seen then', async () => {
    let address = '192.0.2.1'
    server.respond = (name, type) => ipv4(name, type, [address], 2)
    const startedAt = performance.now()
    expect(await addresses('hook.test')).toEqual(['192.0.2.1'])
    address = '192.0.2.2'
    expect(await addresses('hook.test')).toEqual(['192.0.2.1'])
    expect(asked('hook.test')).toBe(1)
    await eventually(async () => expect(await addresses('hook.test')).toEqual(['192.0.2.2']))
    expect(performance.now() - startedAt).toBeGreaterThan(1_900)
    expect(asked('hook.test')).toBe(2)
  })

  test('a TTL of 0 does not make a look-up of every request', async () => {
    server.respond = (name, type) => ipv4(name, type, ['192.0.2.1'], 0)
    for (let index = 0; index < 10; index += 1) await names.resolve('hook.test')
    expect(asked('hook.test')).toBe(1)
    await eventually(async () => {
      await names.resolve('hook.test')
      expect(asked('hook.test')).toBe(2)
    })
  })

  test('the shortest TTL of a chain of aliases counts', async () => {
    server.respond = (name, type) => ({
      answers: [
        { type: 'CNAME', name, ttl: 1, data: 'lb.test' },
        { type: 'CNAME', name: 'lb.test', ttl: 300, data: 'node.test' },
        ...(type === 'A'
          ? [{ type: 'A', name: 'node.test', ttl: 300, data: '192.0.2.7' } satisfies Answer]
          : []),
      ],
    })
    expect(await addresses('hook.test')).toEqual(['192.0.2.7'])
    await eventually(async () => {
      await names.resolve('hook.test')
      expect(asked('hook.test')).toBe(2)
    })
  })

  test('a failure is used for a moment only', async () => {
    server.respond = () => NXDOMAIN
    expect(await failureOf('hook.test')).toMatchObject(NOT_FOUND)
    expect(await failureOf('hook.test')).toMatchObject(NOT_FOUND)
    expect(asked('hook.test')).toBe(1)
    server.respond = (name, type) => ipv4(name, type, ['192.0.2.1'])
    // Within the 800 ms after which the first retry comes at the earliest.
    await eventually(() => addresses('hook.test'), { timeoutMs: 800 })
  })
})

describe('many who wait', () => {
  test('for one name share one look-up', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, () => addresses('hook.test')))
    expect(new Set(all.flat())).toEqual(new Set(['192.0.2.1']))
    expect(asked('hook.test')).toBe(1)
  })

  test('for one silent name share one look-up, and one end', async () => {
    server.respond = () => 'silent'
    const all = await Promise.all(Array.from({ length: 50 }, () => failureOf('hook.test')))
    for (const { code, tookMs } of all) {
      expect(code).toBe(TIMED_OUT.code)
      expect(tookMs).toBeLessThan(6_000)
    }
    expect(names.lookUps).toBe(0)
    // Tries, not look-ups: the first one may have been lost.
    expect(asked('hook.test')).toBeLessThanOrEqual(3)
  })

  test('get the addresses of a family in turns', async () => {
    server.respond = (name, type) => ipv4(name, type, ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    const first = new Set<string | undefined>()
    for (let index = 0; index < 3; index += 1) first.add((await addresses('hook.test'))[0])
    expect([...first].sort()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  })
})

describe('more silent names than there are places', () => {
  const limits = { most: 8, reserved: 2 }

  beforeEach(() => {
    names = new Names({ files, limits })
    server.respond = (name, type) =>
      name.startsWith('silent') ? 'silent' : ipv4(name, type, ['192.0.2.1'], 1)
  })

  const flood = (count: number): Promise<{ code: unknown }>[] =>
    Array.from({ length: count }, (_, index) => failureOf(`silent${index}.test`))

  test('leave a place at once for a name that was found before', async () => {
    await names.resolve('healthy.test')
    await eventually(async () => {
      await names.resolve('healthy.test')
      expect(asked('healthy.test')).toBe(2)
    })
    const silent = flood(20)
    // Its answer holds for a second.
    await eventually(async () => {
      const { tookMs } = await timed(() => names.resolve('healthy.test'))
      expect(tookMs).toBeLessThan(250)
      expect(asked('healthy.test')).toBe(3)
    })
    names.close()
    expect(await Promise.all(silent)).toEqual(silent.map(() => expect.objectContaining(TIMED_OUT)))
  })

  test('give way to a name that is new', async () => {
    const silent = flood(6)
    const { value, tookMs } = await timed(() => addresses('new.test'))
    expect(value).toEqual(['192.0.2.1'])
    expect(tookMs).toBeLessThan(QUICK_MS)
    names.close()
    await Promise.all(silent)
  })

  test('do not make a new name stand in line behind them', async () => {
    const silent = flood(80)
    const { value, tookMs } = await timed(() => addresses('new.test'))
    expect(value).toEqual(['192.0.2.1'])
    // One after the other they would take longer than three seconds.
    expect(tookMs).toBeLessThan(QUICK_MS)
    names.close()
    await Promise.all(silent)
  })

  test('are never asked for more at a time than there are places', async () => {
    const silent = flood(60)
    await eventually(() => expect(server.asked.length).toBeGreaterThan(0))
    expect(new Set(server.asked.map((question) => question.split(' ')[1])).size).toBeLessThanOrEqual(6)
    expect(await Promise.all(silent)).toEqual(silent.map(() => expect.objectContaining(TIMED_OUT)))
    expect(names.lookUps).toBe(0)
  })
})

describe('a name server', () => {
  test('that is silent is given up after five seconds', async () => {
    server.respond = () => 'silent'
    const startedAt = performance.now()
    const { code, tookMs } = await failureOf('hook.test')
    expect(code).toBe(TIMED_OUT.code)
    expect(performance.now() - startedAt).toBeGreaterThan(4_900)
    expect(tookMs).toBeLessThan(6_000)
  })

  test('that is the first of two and silent is passed over', async () => {
    const dead = await startNameServer(() => 'silent')
    await files.write({ resolvConf: `nameserver ${dead.address}\nnameserver ${server.address}\n` })
    expect(await addresses('hook.test')).toEqual(['192.0.2.1'])
    expect(dead.asked).not.toEqual([])
    await dead.close()
  })

  test('that knows no such name says so at once', async () => {
    server.respond = () => NXDOMAIN
    const { code, tookMs } = await failureOf('hook.test')
    expect(code).toBe(NOT_FOUND.code)
    expect(tookMs).toBeLessThan(QUICK_MS)
  })

  test.each([
    ['has no address of the name', () => NO_DATA, NOT_FOUND],
    ['fails', () => SERVFAIL, FAILED],
    ['refuses', () => ({ rcode: 5 }), FAILED],
  ] as const)('that %s', async (_title, respond, expected) => {
    server.respond = respond
    expect(await failureOf('hook.test')).toMatchObject(expected)
  })

  test('that sends garbage fails the name, and no other', async () => {
    server.respond = (name, type) =>
      name === 'hook.test' ? Buffer.from('not a message of DNS') : ipv4(name, type, ['192.0.2.1'])
    const bad = failureOf('hook.test')
    expect(await addresses('healthy.test')).toEqual(['192.0.2.1'])
    expect(['ERR_NAME_FAILED', 'ERR_NAME_TIMEOUT']).toContain((await bad).code)
  })

  test('whose answer is too large for UDP is asked by TCP', async () => {
    const many = Array.from({ length: 500 }, (_, index) => `192.0.${index >> 8}.${index & 255}`)
    server.respond = (name, type, over) => (over === 'udp' ? { truncated: true } : ipv4(name, type, many))
    const found = await addresses('hook.test')
    // No more than could be tried.
    expect(found).toHaveLength(16)
    expect(many).toEqual(expect.arrayContaining(found))
  })

  test('that never answers for IPv6 does not hold up IPv4', async () => {
    server.respond = (name, type) => (type === 'AAAA' ? 'silent' : ipv4(name, type, ['192.0.2.1']))
    const { value, tookMs } = await timed(() => addresses('hook.test'))
    expect(value).toEqual(['192.0.2.1'])
    expect(tookMs).toBeLessThan(QUICK_MS)
  })

  test('that has only aliases that lead nowhere has no address', async () => {
    server.respond = (name) => ({ answers: [{ type: 'CNAME', name, ttl: 60, data: name }] })
    expect(await failureOf('hook.test')).toMatchObject(NOT_FOUND)
  })
})

describe('the hosts file', () => {
  test('goes before DNS, also for a name with a trailing dot', async () => {
    await files.write({
      hosts: '# ours\n10.0.0.7 Hook.Test hook # web\n10.0.0.8\thook.test\nnonsense hook.test\n',
    })
    expect(await addresses('hook.test')).toEqual(['10.0.0.7', '10.0.0.8'])
    expect(await addresses('hook.test.')).toEqual(['10.0.0.7', '10.0.0.8'])
    expect(await addresses('hook')).toEqual(['10.0.0.7'])
    expect(server.asked).toEqual([])
  })

  test('is read again when it changes, whatever is remembered', async () => {
    expect(await addresses('hook.test')).toEqual(['192.0.2.1'])
    await files.write({ hosts: '10.0.0.7 hook.test\n' })
    await eventually(async () => expect(await addresses('hook.test')).toEqual(['10.0.0.7']))
    await files.write({ hosts: '' })
    await eventually(async () => expect(await addresses('hook.test')).toEqual(['192.0.2.1']))
  })

  test('need not name localhost, which is never asked for', async () => {
    expect((await addresses('localhost'))[0]).toBe('127.0.0.1')
    expect((await addresses('hook.localhost.'))[0]).toBe('127.0.0.1')
    expect(server.asked).toEqual([])
  })
})

describe('resolv.conf', () => {
  /** Names that exist are the full ones; order of the questions for A. */
  async function questions(name: string, resolvConf: string, existing?: string): Promise<string[]> {
    await files.write({ resolvConf: `nameserver ${server.address}\n${resolvConf}` })
    server.respond = (asked, type) => (asked === existing ? ipv4(asked, type, ['192.0.2.1']) : NXDOMAIN)
    const outcome = names.resolve(name)
    await (existing === undefined ? expect(outcome).rejects.toMatchObject(NOT_FOUND) : outcome)
    return server.asked.filter((question) => question.startsWith('A ')).map((question) => question.slice(2))
  }

  test('a short name is tried in the domains of `search`, in order', async () => {
    expect(await questions('hooks', 'search one.test two.test', 'hooks.two.test')).toEqual([
      'hooks.one.test',
      'hooks.two.test',
    ])
  })

  test('a service of Docker, which has no domain, is found as it is', async () => {
    expect(await questions('receiver', 'search corp.test\noptions edns0 ndots:0', 'receiver')).toEqual([
      'receiver',
    ])
  })

  test('a service of Kubernetes is found through `ndots`', async () => {
    const conf = 'search ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5'
    expect(await questions('hooks.shop', conf, 'hooks.shop.svc.cluster.local')).toEqual([
      'hooks.shop.ns.svc.cluster.local',
      'hooks.shop.svc.cluster.local',
    ])
  })

  test('a name with dots enough is tried as it is, then in the domains', async () => {
    expect(await questions('a.b', 'search one.test')).toEqual(['a.b', 'a.b.one.test'])
  })

  test('a name that ends with a dot is full', async () => {
    expect(await questions('hooks.', 'search one.test')).toEqual(['hooks'])
  })

  test('the search ends at a server that is silent: another name would be another receiver', async () => {
    await files.write({ resolvConf: `nameserver ${server.address}\nsearch one.test two.test` })
    server.respond = (name, type) => (name === 'hooks.one.test' ? 'silent' : ipv4(name, type, ['192.0.2.1']))
    expect(await failureOf('hooks')).toMatchObject(TIMED_OUT)
  })

  test('is read again when it changes, and what the old servers said is forgotten', async () => {
    expect(await addresses('hook.test')).toEqual(['192.0.2.1'])
    const other = await startNameServer((name, type) => ipv4(name, type, ['192.0.2.9']))
    await files.write({ resolvConf: `nameserver ${other.address}\n` })
    await eventually(async () => expect(await addresses('hook.test')).toEqual(['192.0.2.9']))
    await other.close()
  })

  test('with servers that are none does not fail the names', async () => {
    await files.write({
      resolvConf: `nameserver nonsense\nnameserver\nnameserver ${server.address}\noptions ndots:x`,
    })
    expect(await addresses('hook.test')).toEqual(['192.0.2.1'])
  })
})
