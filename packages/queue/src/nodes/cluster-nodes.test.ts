import { endpointOf, readClusterNodes, readEndpoints } from './cluster-nodes.ts'

const ASKED = { host: '10.0.0.9', port: 7_000 }
const ID = '07c37dfeb235213a872192d90877d0cd55635b91'
const OTHER = '67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1'

const line = (place: string, flags: string, rest = '- 0 1426238317239 4 connected') =>
  `${ID} ${place} ${flags} ${rest}`
const read = (text: string, endpoints?: ReadonlyMap<string, string>) =>
  readClusterNodes(text, ASKED, endpoints)

describe('CLUSTER NODES', () => {
  test('primaries with their slots, and replicas with their primaries', () => {
    const text = [
      `${ID} 127.0.0.1:30004@31004 myself,master - 0 0 7 connected 0-5460 5462 [5461->-${OTHER}] [93-<-${OTHER}]`,
      `${OTHER} 127.0.0.1:30002@31002,host2 slave ${ID} 0 1426238316232 2 connected`,
      '',
    ].join('\n')
    expect(read(text)).toEqual([
      {
        id: ID,
        address: '127.0.0.1:30004',
        myself: true,
        role: 'primary',
        primaryId: undefined,
        failing: false,
        epoch: 7,
        slots: [
          [0, 5_460],
          [5_462, 5_462],
        ],
        moving: [5_461, 93],
      },
      expect.objectContaining({ id: OTHER, myself: false, role: 'replica', primaryId: ID, slots: [] }),
    ])
  })

  test.each([
    ['of Redis 6', '10.0.0.1:6379@16379', '10.0.0.1:6379'],
    ['before Redis 4, without a port of the bus', '10.0.0.1:6379', '10.0.0.1:6379'],
    ['with a host name', '10.0.0.1:6379@16379,redis-0.redis', '10.0.0.1:6379'],
    ['with an empty host name and a shard', '10.0.0.1:6379@16379,,shard-id=69bc', '10.0.0.1:6379'],
    ['of IPv6', '2001:db8::1:6379@16379', '2001:db8::1:6379'],
    ['of a node that does not know its own', ':6379@16379', '10.0.0.9:6379'],
  ])('an address %s', (_name, place, address) => {
    expect(read(line(place, 'master'))).toMatchObject([{ address }])
  })

  test.each([
    ['master,fail', true],
    ['master,fail?', true],
    ['slave,fail,nofailover', true],
    ['master', false],
  ])('flags %s', (flags, failing) => {
    expect(read(line('10.0.0.1:6379@16379', flags))).toMatchObject([{ failing }])
  })

  test.each([
    ['handshake', '10.0.0.1:6379@16379'],
    ['master,noaddr', ':0@0'],
    ['slave,noaddr,fail', ':0@0'],
  ])('a node in %s is nowhere yet, or not any more', (flags, place) => {
    expect(read(line(place, flags))).toEqual([])
  })

  test('a node is called as redirections call it', () => {
    const endpoints = readEndpoints(
      [[0, 16_383, ['redis-0.redis', 6_380, ID, []], ['10.0.0.2', 6_379, OTHER, []]]],
      ASKED,
    )
    const [node] = read(line('10.0.0.1:6380@16380,redis-0.redis', 'master'), endpoints)
    expect(node?.address).toBe('redis-0.redis:6380')
    expect(endpointOf('redis-0.redis:6380', ASKED)).toBe(node?.address)
  })
})

describe('endpoints of CLUSTER SLOTS and redirections', () => {
  test.each([
    ['an address', ['10.0.0.1', 6_379, ID], '10.0.0.1:6379'],
    ['IPv6', ['2001:db8::1', 6_379, ID], '2001:db8::1:6379'],
    ['none (unknown-endpoint): where it was asked', [null, 6_379, ID], '10.0.0.9:6379'],
    ['an empty one', ['', 6_379, ID], '10.0.0.9:6379'],
  ])('%s', (_name, node, address) => {
    expect(readEndpoints([[0, 100, node]], ASKED)).toEqual(new Map([[ID, address]]))
  })

  test('a node without the host name that it is to be called by is called by its address', () => {
    const endpoints = readEndpoints([[0, 100, ['?', 6_379, ID]]], ASKED)
    expect(endpoints).toEqual(new Map())
    expect(read(line('10.0.0.1:6379@16379', 'master'), endpoints)).toMatchObject([
      { address: '10.0.0.1:6379' },
    ])
  })

  test('servers before Redis 4 give no ids', () => {
    expect(readEndpoints([[0, 100, ['10.0.0.1', 6_379]]], ASKED)).toEqual(new Map())
  })

  test.each([
    ['10.0.0.1:6379', '10.0.0.1:6379'],
    [':6380', '10.0.0.9:6380'],
    ['::1:6379', '::1:6379'],
    ['?:6379', undefined],
  ])('MOVED or ASK to %s', (text, address) => {
    expect(endpointOf(text, ASKED)).toBe(address)
  })
})
