import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, Installation } from '@timers/lab'

const RESTORED = fileURLToPath(new URL('../../../apps/worker/dist/restored.js', import.meta.url))

test('a restore sent again what had fired since the backup', async () => {
  const backup = await mkdtemp(join(tmpdir(), 'timers-backup-'))
  const installation = await Installation.start({ workers: 1, respond: () => ({ status: 200 }) })
  const { redis, receiver } = installation
  const create = async (seconds: number, fields: object = {}): Promise<number> => {
    const reply = await fetch(`${installation.apiUrl}/timers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seconds, url: receiver.hookUrl, ...fields }),
    })
    return ((await reply.json()) as { id: number }).id
  }
  const statusOf = async (id: number) =>
    ((await (await fetch(`${installation.apiUrl}/timers/${id}`)).json()) as { status: string }).status
  const restored = (env: Record<string, string>) =>
    spawnSync(process.execPath, [RESTORED], {
      env: { PATH: process.env.PATH, REDIS_URL: redis.url, ...env },
      encoding: 'utf8',
    })
  try {
    // Not due before the backup is made, and not before all is up again: a busy machine may take long over either.
    const sent = await create(3)
    const asked = await create(3, { delivery: 'at_least_once' })
    const later = await create(30)
    const madeAt = new Date().toISOString()
    const folder = join(redis.dataDir, 'appendonlydir')
    await cp(folder, backup, { recursive: true })
    await eventually(
      async () => expect([await statusOf(sent), await statusOf(asked)]).toEqual(['fired', 'fired']),
      { timeoutMs: 10_000 },
    )
    expect(restored({ TIMERS_RESTORED_AT: madeAt })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/stop all services first/),
    })

    await Promise.all(
      [...installation.workers, ...installation.apis].map((service) => service.kill('SIGTERM')),
    )
    await redis.shutDown()
    await rm(folder, { recursive: true })
    await cp(backup, folder, { recursive: true })
    await redis.restart()
    expect(restored({ TIMERS_RESTORED_AT: 'last night' })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /TIMERS_RESTORED_AT must be the time at which the backup was made, such as/,
      ),
    })
    expect(restored({ TIMERS_RESTORED_AT: madeAt })).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/"doubted":1,"sentAgain":1/),
    })
    expect(restored({ TIMERS_RESTORED_AT: madeAt })).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/nothing to do/),
    })

    await installation.startApi()
    await installation.startWorker()
    expect(await statusOf(sent)).toBe('unknown')
    expect(await create(60)).toBeGreaterThan(1_000_000)
    await eventually(
      async () => expect([await statusOf(asked), await statusOf(later)]).toEqual(['fired', 'fired']),
      {
        timeoutMs: 40_000,
      },
    )
    const arrivals = (id: number) => receiver.requests.filter((request) => request.id === id).length
    expect([arrivals(sent), arrivals(asked), arrivals(later)]).toEqual([1, 2, 1])
  } finally {
    await installation.close()
    await rm(backup, { recursive: true })
  }
}, 90_000)
