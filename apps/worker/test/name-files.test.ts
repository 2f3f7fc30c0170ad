import { eventually } from '@timers/lab'
import { ipv4, NXDOMAIN, startNameServer } from './name-server.ts'
import { addresses, failureOf, files, NOT_FOUND, names, server, TIMED_OUT } from './names-bed.ts'

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
