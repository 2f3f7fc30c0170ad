import { readFileSync } from 'node:fs'
import { eventually, Installation } from '@timers/lab'
import { loadReleaseData, releaseFile } from '../src/release-data.ts'

type Shown = Readonly<Record<string, unknown>> & { readonly id: number }
const told = JSON.parse(readFileSync(releaseFile('timers.json'), 'utf8')) as Readonly<Record<string, Shown>>

test('data of release 0.1: what was told stays true, what was owed fires once, and the format is the present one', async () => {
  const installation = await Installation.start({ apis: 0, workers: 0, respond: () => ({ status: 200 }) })
  try {
    const { redis, receiver } = installation
    await loadReleaseData(redis.port, receiver.port)
    await installation.startApi()
    const shown = async (name: string): Promise<Shown> =>
      (await fetch(`${installation.apis[0]?.url}/timers/${told[name]?.id}`)).json() as Promise<Shown>
    for (const name of ['fired', 'failed', 'unknown', 'firing', 'far']) {
      const { time_left: _, ...asThen } = told[name] as Shown
      await eventually(async () => expect(await shown(name)).toMatchObject(asThen))
    }

    await installation.startWorker()
    await eventually(
      async () => {
        expect(await shown('overdue')).toMatchObject({ status: 'fired', attempts: 1 })
        expect(await shown('plain')).toMatchObject({ status: 'fired', attempts: 1 })
        // Claimed by a worker that died: never sent again.
        expect(await shown('firing')).toMatchObject({ status: 'unknown', attempts: 1 })
      },
      { timeoutMs: 20_000 },
    )
    // A retry that was planned for five minutes later is due by now, unless this runs right after the file was made.
    const arrived = receiver.requests.map(({ id }) => id).filter((id) => id !== told.retryLeast?.id)
    expect(arrived.toSorted()).toEqual([told.overdue?.id, told.plain?.id].toSorted())
    const overdue = receiver.requests.find(({ id }) => id === told.overdue?.id)
    expect(overdue?.body).toBe('{"order":18,"text":"ü \\"q\\"","list":[1,null,true]}')
    expect(overdue?.headers['x-order']).toBe('18')

    await eventually(async () => expect(await redis.command('GET', 'timers:{0}:format')).toBe('3'))
    expect(await redis.command('HGET', `timers:{0}:t${told.far?.id}`, 'du')).toBe(
      String(Date.parse(String(told.far?.due_at))),
    )
    expect(await redis.command('HGET', `timers:{0}:t${told.fired?.id}`, 'st')).toBe('fired')
    // Finished timers lie by due time, in the lists too, and the unknown ones apart.
    for (const [name, set] of [
      ['fired', 'completed'],
      ['failed', 'failed'],
      ['unknown', 'unknown'],
    ] as const) {
      const score = await redis.command('ZSCORE', `timers:{0}:${set}`, `t${told[name]?.id}`)
      expect([name, Number(score)]).toEqual([name, Date.parse(String(told[name]?.due_at))])
    }
    for (const name of ['fired', 'failed', 'unknown', 'far']) {
      const { time_left: _, ...asThen } = told[name] as Shown
      expect(await shown(name)).toMatchObject(asThen)
    }
  } finally {
    await installation.close()
  }
})

test('a Redis whose timers are in the format of a newer release: the services stop with a message', async () => {
  const installation = await Installation.start({ apis: 0, workers: 0 })
  try {
    await installation.redis.command('SET', 'timers:{0}:format', '5')
    await expect(installation.startApi()).rejects.toThrow(/format 5.*use a newer release/s)
    await expect(installation.startWorker()).rejects.toThrow(/format 5.*use a newer release/s)
  } finally {
    await installation.close()
  }
})
