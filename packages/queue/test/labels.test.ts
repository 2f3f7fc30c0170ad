import { rig, states, store, useBed } from './bed.ts'
import { delivered, draft, fired } from './rig.ts'
import { ALL_ENDED, ALL_UNCLAIMED } from './states.ts'

const HOUR = 3_600_000
const labels = ['eu', 'mail:welcome']

describe('labels', () => {
  useBed()

  /** Ids by label, with the times under which they lie. */
  async function indexed(): Promise<Record<string, Record<string, number>>> {
    const { key } = rig.keys()
    const names = await rig.client.smembers(key('labels'))
    const found: Record<string, Record<string, number>> = {}
    for (const name of names) {
      const flat = await rig.client.zrange(key(name), 0, '-1', 'WITHSCORES')
      found[name] = Object.fromEntries(flat.flatMap((id, at) => (at % 2 ? [] : [[id, Number(flat[at + 1])]])))
    }
    return found
  }

  test.each(ALL_UNCLAIMED)('of a timer that %s lead to it, at its due time', async (where) => {
    const { id } = await states.unclaimed(where, { labels })
    const dueAt = (await store.find(id))?.dueAt
    expect(await indexed()).toEqual({
      'l::eu': { [`t${id}`]: dueAt },
      'l::mail:welcome': { [`t${id}`]: dueAt },
    })
  })

  test('of a timer that fires lead to it', async () => {
    const { id } = await states.claimed({ labels })
    expect(Object.keys((await indexed())['l::eu'] ?? {})).toEqual([`t${id}`])
  })

  test.each(ALL_ENDED)('of a timer that is %s lead nowhere, and cost nothing', async (status) => {
    const id = await states.ended(status, { labels })
    expect(await indexed()).toEqual({})
    expect(await rig.client.exists(rig.keys().key('labels'), rig.keys().key('l::eu'))).toBe(0)
    expect((await store.find(id))?.labels).toEqual(labels)
  })

  test('of a timer that is redriven lead to it again, and those of an unknown one that is corrected do not', async () => {
    const corrected = await states.givenUp(undefined, { labels: ['b'] })
    await corrected.due.settle(1, delivered(), fired)
    const failed = await states.ended('failed', { labels: ['a'] })
    await store.redrive(failed)
    expect(Object.keys((await indexed())['l::a'] ?? {})).toEqual([`t${failed}`])
    expect((await indexed())['l::b']).toBeUndefined()
  })

  test.each(ALL_UNCLAIMED)('of a timer that %s are changed with it', async (where) => {
    const { id } = await states.unclaimed(where, { labels })
    await store.change(id, { labels: ['eu', 'us'] })
    expect(Object.keys(await indexed()).toSorted()).toEqual(['l::eu', 'l::us'])
    const moved = await store.change(id, { due: { delayMs: 2 * HOUR } })
    expect(await indexed()).toEqual({
      'l::eu': { [`t${id}`]: moved?.dueAt },
      'l::us': { [`t${id}`]: moved?.dueAt },
    })
    await store.change(id, { labels: null })
    expect(await indexed()).toEqual({})
    expect(await store.find(id)).not.toHaveProperty('labels')
  })

  test('of one owner do not lead to the timers of another', async () => {
    const { id } = await store.create({ ...draft(HOUR), labels: ['eu'], owner: 'acme' })
    expect(Object.keys(await indexed())).toEqual(['l:acme:eu'])
    await store.cancel({ id, owner: 'acme' })
    expect(await indexed()).toEqual({})
  })
})
