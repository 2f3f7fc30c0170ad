import { ClusterBed } from './cluster-bed.ts'
import { draft } from './rig.ts'

const HOUR = 3_600_000

describe('timers created together on a cluster', () => {
  let bed: ClusterBed

  beforeAll(async () => {
    bed = await ClusterBed.start({ primaries: 1, replicas: 0 })
  })
  afterAll(() => bed.close())

  test('are all created: what routing declares to scripts is no timer', async () => {
    const store = await bed.store(2)
    const wishes = Array.from({ length: 9 }, (_, index) => ({ draft: draft(HOUR + index) }))
    const results = await store.createAll(wishes)
    const ids = results.map((result) => (result instanceof Error ? result : result.id))
    expect(new Set(ids).size).toBe(9)
    for (const id of ids) expect(await store.find(Number(id))).toMatchObject({ id })
  })
})
