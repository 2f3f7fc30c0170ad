import type { Creation } from './answers.ts'
import type { Evidence } from './evidence.ts'
import { groupBy } from './group-by.ts'
import type { JudgedTimer } from './judged-timer.ts'

/** What clients wanted to be one timer, and all timers that came of it. */
export interface Wish {
  readonly key: string
  /** At least one. */
  readonly asked: readonly Creation[]
  readonly timers: readonly JudgedTimer[]
}

/** The label by which timers that nobody was told of, and nobody saw, are known to belong to a wish. */
export function wishLabel(key: string): string {
  return `wish.${key}`
}

/** Puts together what belongs together. What was seen and never asked for is left in `strays`, by its key. */
export function gather(evidence: Evidence): { wishes: Wish[]; strays: Map<string, number> } {
  const { creations, views, healedAt, restAt } = evidence
  const seenByKey = groupBy(evidence.sightings, ({ key }) => key)
  const viewsByLabel = groupBy(
    [...views.values()].flatMap(({ id, labels = [] }) => labels.map((label) => ({ id, label }))),
    ({ label }) => label,
  )
  const redrivesById = groupBy(evidence.redrives ?? [], ({ id }) => id)
  const tellingsById = groupBy(evidence.tellings ?? [], ({ id }) => id)
  const missesById = groupBy(
    (evidence.misses ?? []).flatMap(({ id, ...one }) => (id === undefined ? [] : [{ id, ...one }])),
    ({ id }) => id,
  )
  const changesByKey = groupBy(evidence.changes ?? [], ({ key }) => key)
  const sweepsByLabel = groupBy(evidence.sweeps ?? [], ({ label }) => label)
  const callbacksById = groupBy(evidence.callbacks ?? [], ({ id }) => id)
  const byKey = groupBy(creations, ({ key }) => key)

  const wishes = [...byKey].map(([key, asked]): Wish => {
    const seen = seenByKey.get(key) ?? []
    seenByKey.delete(key)
    const ids = new Set([
      ...asked.flatMap(({ acknowledged }) => acknowledged?.id ?? []),
      ...seen.map(({ id }) => id),
      ...(viewsByLabel.get(wishLabel(key)) ?? []).map(({ id }) => id),
    ])
    const changes = changesByKey.get(key) ?? []
    const timers = [...ids].map((id): JudgedTimer => {
      const creation = creationOf(id, asked)
      return {
        id,
        creation,
        asked,
        seen: seen.filter((sighting) => sighting.id === id),
        view: views.get(id),
        redrives: redrivesById.get(id) ?? [],
        tellings: tellingsById.get(id) ?? [],
        misses: missesById.get(id) ?? [],
        changes: changes.filter((change) => change.id === undefined || change.id === id),
        sweeps: (creation.labels ?? []).flatMap((label) => sweepsByLabel.get(label) ?? []),
        callbacks: callbacksById.get(id) ?? [],
        operatorOn: evidence.operatorOn ?? [],
        stillToTell: evidence.stillToTell?.has(id) ?? false,
        mayBeGivenUp: (attempt) =>
          evidence.explain?.({ ...attempt, outcome: 'interrupted' }, creation) !== undefined,
        mayForget: (attempt) => evidence.mayForget?.(id, attempt) ?? false,
        restAt: restAt ?? Number.POSITIVE_INFINITY,
        healedAt: healedAt ?? Number.POSITIVE_INFINITY,
      }
    })
    return { key, asked, timers }
  })
  const strays = new Map([...seenByKey].map(([key, seen]) => [key, seen.length]))
  return { wishes, strays }
}

/** The request that made a timer: the one that was told so, else one that was told nothing. */
function creationOf(id: number, asked: readonly Creation[]): Creation {
  const told = asked.find(({ acknowledged }) => acknowledged?.id === id && !acknowledged.met)
  const untold = asked.find(({ acknowledged }) => acknowledged === undefined)
  return told ?? untold ?? (asked[0] as Creation)
}
