import { eventually } from '@timers/lab'
import { rig, store, useBed } from './bed.ts'
import { due } from './commands-bed.ts'

describe('the commands on a timer', () => {
  useBed()

  describe('recall', () => {
    const heldUntil = async (heldBy: 'receiver_limit' | 'receiver_down' = 'receiver_limit') => {
      const held = await due()
      const until = Date.now() + 60_000
      await held.due.defer(until, heldBy)
      const { ats } = await rig.hash(held.id)
      return { ...held, until, taking: ats, recall: held.due.recall(until, heldBy) }
    }
    const heldOf = async (id: number) => (await store.find(id))?.held

    test('brings back what is held back: it waited for a turn a minute away', async () => {
      const { id, recall } = await heldUntil()
      const at = Date.now()
      recall(at)
      await eventually(async () =>
        expect(await heldOf(id)).toMatchObject({ by: 'receiver_limit', until: at }),
      )
      const second = await rig.take()
      expect(await second.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    })

    test('of one that was changed since, taken since or ended since does nothing', async () => {
      const changed = await heldUntil()
      await store.change(changed.id, { due: { delayMs: 3_600_000 } })
      const taken = await heldUntil()
      taken.recall(Date.now())
      await eventually(async () => expect((await heldOf(taken.id))?.until).toBeLessThan(taken.until))
      const second = await rig.take()
      const cancelled = await heldUntil()
      await store.cancel(cancelled.id)
      const before = await Promise.all([changed, cancelled].map(({ id }) => rig.hash(id)))
      const commands = [changed, taken, cancelled].map((held) =>
        rig.commands.recall(held, 'receiver_limit', held.until, Date.now()),
      )
      expect(await Promise.all(commands)).toEqual([false, false, false])
      expect(await Promise.all([changed, cancelled].map(({ id }) => rig.hash(id)))).toEqual(before)
      expect(await rig.places(taken.id)).toEqual(['active'])
      expect(await second.due.claim()).toMatchObject({ kind: 'granted' })
    })

    test('only brings forward, and twice is the same as once', async () => {
      const held = await heldUntil('receiver_down')
      const { id, until } = held
      const commands = rig.commands
      expect(await commands.recall(held, 'receiver_down', until, until + 1)).toBe(false)
      const at = Date.now() + 5_000
      expect(await commands.recall(held, 'receiver_down', until, at)).toBe(true)
      expect(await commands.recall(held, 'receiver_down', until, at)).toBe(false)
      expect(await heldOf(id)).toMatchObject({ until: at })
    })
  })

  test('a call that was sent again brought forward what had been given back once more, until the very same time', async () => {
    const { due: first, id } = await due()
    const until = Date.now() + 60_000
    await first.defer(until, 'receiver_limit')
    const { ats } = await rig.hash(id)
    const call = () => rig.commands.recall({ id, taking: ats }, 'receiver_limit', until, Date.now() - 1)
    expect(await call()).toBe(true)
    await (await rig.take()).due.defer(until, 'receiver_limit')
    expect(await call()).toBe(false)
    expect((await store.find(id))?.held).toMatchObject({ until })
  })
})
