import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@timers/lab'
import type { RedisTimerStore } from '../../src/timers/timer-store.ts'
import { NodesRig } from '../nodes-rig.ts'
import type { Outcome, Scenario } from './scenario.ts'
import { type Servers, type Succession, startServers, watchSuccession } from './servers.ts'
import { Traffic } from './traffic.ts'

const SHARDS = 4
/** Timers that come due all the while, whatever becomes of creates: so many milliseconds apart, over so many. */
const DUE_EVERY_MS = 20
const DUE_FOR_MS = 25_000
const FROZEN_FOR_MS = 10_000
/** How long before the fault a request may have left whose outcome replicas do not have. */
const IN_FLIGHT_MS = 1_000
/** How long all goes on after it is over. */
const AFTER_MS = 2_000

/** Plays a failover under load, and counts. */
export async function playFailover(scenario: Scenario): Promise<Outcome> {
  const servers = await startServers(scenario)
  const rig = new NodesRig({ redisUrl: servers.url, replicaAcks: scenario.acks, shards: SHARDS })
  // Under Sentinels the servers themselves ask for one, too.
  const asked = scenario.by === 'sentinel' && scenario.settled !== false ? 1 : 0
  const watch = watchSuccession(servers.heirs, Math.max(scenario.acks, asked))
  try {
    const store = await rig.store()
    const traffic = new Traffic(store)
    await rig.consumer({ shards: SHARDS, handle: traffic.fire })
    for (let dueMs = 1_000; dueMs < DUE_FOR_MS; dueMs += 50 * DUE_EVERY_MS) {
      const delays = Array.from({ length: 50 }, (_, at) => dueMs + at * DUE_EVERY_MS)
      await Promise.all(delays.map((delayMs) => traffic.create(delayMs)))
    }
    traffic.start()
    await sleep(1_000)

    const faultAt = performance.now()
    const named = servers.named().then(() => {
      watch.seen.namedAt = performance.now()
    })
    await Promise.all([named, befall(servers, scenario, watch.seen)])
    await eventually(() => expect(watch.seen.coveredAt).not.toBeNaN(), { timeoutMs: 30_000 })
    await sleep(AFTER_MS)
    await traffic.stop()
    // What is due later is left alone.
    const end = performance.now() + 500
    const lost = () => traffic.lost(end)
    await eventually(() => expect(lost()).toEqual([]), { timeoutMs: 20_000 }).catch(() => {})
    const { promotedAt, namedAt, coveredAt } = watch.seen
    const created = [...traffic.acknowledged.values()].map(({ at }) => at)
    const read = traffic.reads.flatMap(({ askedAt, at }) => (askedAt >= promotedAt ? [at] : []))
    const unknown = await unknownOf(store, traffic)
    return {
      acknowledged: traffic.acknowledged.size,
      refused: traffic.refused,
      lost: lost().length,
      doubled: traffic.doubled,
      early: traffic.early,
      unknown: unknown.length,
      strange: unknown.filter((at) => at === undefined || at < faultAt - IN_FLIGHT_MS).length,
      promotedMs: Math.round(promotedAt - faultAt),
      namedMs: Math.round(namedAt - promotedAt),
      coveredMs: Math.round(coveredAt - promotedAt),
      readsBackMs: backAfter(promotedAt, read),
      createsBackMs: backAfter(coveredAt, created),
      firesBackMs: Math.max(...shardsOf(traffic).map((times) => backAfter(coveredAt, times))),
    }
  } finally {
    await watch.stop()
    await rig.close()
    await servers.stop()
  }
}

/** Resolves when what has happened is mended again, too. */
async function befall(servers: Servers, { fault }: Scenario, seen: Succession): Promise<void> {
  const { victim, network } = servers
  const promoted = () => eventually(() => expect(seen.promotedAt).not.toBeNaN(), { timeoutMs: 20_000 })
  switch (fault) {
    case 'killed':
      await victim.kill()
      await promoted()
      // Under Sentinels it must be known as a replica by then.
      await eventually(() => victim.start(), { timeoutMs: 20_000 })
      return
    case 'frozen':
      victim.freeze()
      await sleep(FROZEN_FOR_MS)
      victim.thaw()
      return
    case 'cut off':
      network.isolate([victim])
      await promoted()
      await sleep(AFTER_MS)
      network.heal()
      return
    case 'planned':
      await servers.failover()
  }
}

/** When those were sent that ended as `unknown`. */
async function unknownOf(
  store: RedisTimerStore,
  { acknowledged, sent }: Traffic,
): Promise<(number | undefined)[]> {
  const ids = [...acknowledged.keys()]
  const statuses = await Promise.all(ids.map(async (id) => (await store.find(id))?.status))
  return ids.filter((_, at) => statuses[at] === 'unknown').map((id) => sent.get(id)?.[0]?.at)
}

/** When each shard sent something. */
function shardsOf({ sent }: Traffic): number[][] {
  const times = Array.from({ length: SHARDS }, (): number[] => [])
  for (const [id, sightings] of sent) {
    for (const { at } of sightings) times[(id - 1) % SHARDS]?.push(at)
  }
  return times
}

/** Milliseconds from `since` to the first of the times after it. */
function backAfter(since: number, times: Iterable<number>): number {
  return Math.round(Math.min(...[...times].filter((at) => at >= since)) - since)
}
