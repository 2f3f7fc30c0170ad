import type { Log } from '@timers/core'
import { eventually } from '@timers/lab'
import { SlotMap, type Witness } from '../src/nodes/slot-map.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const never = () => new Promise<never>(() => {})

interface Told {
  readonly port: number
  readonly epoch: number
  readonly slots: string
  readonly flags?: string
}

/** What a node answers that knows these primaries. */
const view = (...nodes: readonly Told[]) =>
  nodes
    .map(({ port, epoch, slots, flags = 'master' }) =>
      `id-${port} 10.0.0.1:${port}@1${port} ${flags} - 0 0 ${epoch} connected ${slots}`.trim(),
    )
    .join('\n')

describe('the map of slots', () => {
  const maps: SlotMap[] = []
  afterEach(() => {
    for (const map of maps.splice(0)) map.close()
  })

  /** A map of these slots, of witnesses whose answers may be changed. */
  function mapOf(answers: (() => Promise<string>)[], slots = [1, 9_000], said: string[] = []) {
    const witnesses: Witness[] = answers.map((_, at) => ({
      address: { host: '10.0.0.1', port: at },
      via: {},
      ask: async () => [await (answers[at] as () => Promise<string>)(), []],
    }))
    const log: Log = { ...silent, warn: (fields) => said.push(JSON.stringify(fields)) }
    const map = new SlotMap(slots, { witnesses: () => witnesses, looked: () => {} }, log)
    maps.push(map)
    return { map, witnesses }
  }

  test('who serves what, by those who can be asked', async () => {
    const told = view({ port: 1, epoch: 1, slots: '0-8000' }, { port: 2, epoch: 2, slots: '8001-16383' })
    const { map } = mapOf([async () => told])
    expect(map.ownerOf(1)).toBeUndefined()
    expect(await map.refresh()).toBe(true)
    expect([map.ownerOf(1), map.ownerOf(9_000)]).toEqual(['10.0.0.1:1', '10.0.0.1:2'])
    expect([...map.owners]).toEqual(['10.0.0.1:1', '10.0.0.1:2'])
    expect(map.primaries.map(({ name }) => name)).toEqual(['10.0.0.1:1', '10.0.0.1:2'])
  })

  test('an old primary that was cut off claims its slots still: the newer claim holds, whoever is asked last', async () => {
    const old = view({ port: 1, epoch: 3, slots: '0-16383' })
    const now = view(
      { port: 1, epoch: 3, slots: '', flags: 'master,fail' },
      { port: 2, epoch: 7, slots: '0-16383' },
    )
    const answers = [async () => now, async () => old]
    const { map } = mapOf(answers)
    await map.refresh()
    expect(map.ownerOf(1)).toBe('10.0.0.1:2')
    answers[0] = never
    await map.refresh()
    expect(map.ownerOf(1)).toBe('10.0.0.1:2')
    expect(map.isCovered(1)).toBe(true)
    expect(map.primaries.map(({ name }) => name)).toEqual(['10.0.0.1:2'])
  })

  test('an answer that a slot has moved is believed before those who have not heard of it, and not before those who have', async () => {
    const answers = [async () => view({ port: 1, epoch: 3, slots: '0-16383' })]
    const { map } = mapOf(answers)
    await map.refresh()
    map.moved(1, '10.0.0.1:2')
    // Nodes that point at one another do not make it newer and newer.
    for (let times = 0; times < 20; times += 1) map.moved(1, `10.0.0.1:${times % 2}`)
    map.moved(1, '10.0.0.1:2')
    await map.refresh()
    expect(map.ownerOf(1)).toBe('10.0.0.1:2')
    expect(map.ownerOf(9_000)).toBe('10.0.0.1:1')
    answers[0] = async () => view({ port: 3, epoch: 4, slots: '0-16383' })
    await map.refresh()
    expect(map.ownerOf(1)).toBe('10.0.0.1:3')
  })

  test('a node that stands still holds nobody up, and is not asked again and again', async () => {
    let asked = 0
    const standing = () => {
      asked += 1
      return never()
    }
    const { map, witnesses } = mapOf([standing, async () => view({ port: 2, epoch: 1, slots: '0-16383' })])
    const startedAt = performance.now()
    await map.refresh()
    await map.refresh()
    expect(map.ownerOf(1)).toBe('10.0.0.1:2')
    expect(performance.now() - startedAt).toBeLessThan(450)
    expect(asked).toBe(1)
    await eventually(() => expect(map.isSilent(witnesses[0]?.via ?? {})).toBe(true))
    expect(map.isSilent(witnesses[1]?.via ?? {})).toBe(false)
  })

  test('where nobody answers it goes on, says why once, and ends soon', async () => {
    const said: string[] = []
    const { map } = mapOf([never], [1], said)
    expect(await map.refresh()).toBe(false)
    expect(map.error).toBeInstanceOf(Error)
    await eventually(() => expect(said).toHaveLength(1))
    await map.refresh()
    expect(said).toHaveLength(1)
  })

  test('that connections are not there yet, as at each start, is no warning', async () => {
    const said: string[] = []
    const answers = [(): Promise<string> => Promise.reject(new Error("Stream isn't writeable"))]
    const { map } = mapOf(answers, [1], said)
    expect(await map.refresh()).toBe(false)
    answers[0] = async () => view({ port: 1, epoch: 1, slots: '0-16383' })
    expect(await map.refresh()).toBe(true)
    expect(said).toEqual([])
  })

  test('what Redis itself says is told, and not that another node cannot be reached', async () => {
    const refused = Object.assign(new Error('ERR This instance has cluster support disabled'), {
      name: 'ReplyError',
    })
    const { map } = mapOf([() => Promise.reject(new Error('ECONNREFUSED')), () => Promise.reject(refused)])
    await map.refresh()
    expect(map.error).toBe(refused)
  })

  test('a slot that nobody serves, or a node that is held for dead, is looked after more often', async () => {
    const answers = [async () => view({ port: 1, epoch: 1, slots: '0-8000' })]
    const { map } = mapOf(answers)
    await map.refresh()
    expect([map.isCovered(1), map.isCovered(9_000)]).toEqual([true, false])
    answers[0] = async () => view({ port: 1, epoch: 1, slots: '0-16383', flags: 'master,fail?' })
    await eventually(() => expect(map.isCovered(1)).toBe(false), { timeoutMs: 1_500 })
    answers[0] = async () => view({ port: 2, epoch: 2, slots: '0-16383' })
    await eventually(() => expect(map.ownerOf(9_000)).toBe('10.0.0.1:2'), { timeoutMs: 1_500 })
  })

  test('slots that are on their way are counted', async () => {
    const told = view({ port: 1, epoch: 1, slots: '0-16383 [5-<-id-2] [6->-id-2]', flags: 'myself,master' })
    const { map } = mapOf([async () => told])
    await map.refresh()
    expect(map.primaries).toMatchObject([{ name: '10.0.0.1:1', moving: 2 }])
  })
})
