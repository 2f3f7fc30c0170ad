/** A node as another one (or it itself) sees it: a line of CLUSTER NODES. */
export interface ClusterMember {
  readonly id: string
  readonly port: number
  readonly isPrimary: boolean
  /** Not failed, not about to be, and met for good. */
  readonly isSound: boolean
  /** Whose replica it is. */
  readonly primaryId: string | undefined
  /** The version of what it owns: of two that claim a slot, the higher one has it. */
  readonly epoch: number
  /** From and to, both included. */
  readonly slots: readonly (readonly [number, number])[]
}

/** The cluster as one of its nodes sees it. */
export interface ClusterView {
  readonly isOk: boolean
  readonly epoch: number
  readonly members: readonly ClusterMember[]
}

/** The reply of CLUSTER NODES. Slots that are on their way belong to their source until they have moved. */
export function parseMembers(text: string): ClusterMember[] {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const [id = '', address = '', flags = '', primary, , , epoch, , ...slots] = line.split(' ')
    const flagged = new Set(flags.split(','))
    return {
      id,
      port: Number(/:(\d+)@/.exec(address)?.[1]),
      isPrimary: flagged.has('master'),
      isSound: !['fail', 'fail?', 'handshake', 'noaddr'].some((flag) => flagged.has(flag)),
      primaryId: primary === '-' ? undefined : primary,
      epoch: Number(epoch),
      slots: slots.filter((range) => !range.startsWith('[')).map(parseRange),
    }
  })
}

function parseRange(range: string): readonly [number, number] {
  const [from, to = from] = range.split('-').map(Number)
  return [from ?? 0, to ?? 0]
}

/** Every slot of a member. */
export function slotsOf({ slots }: ClusterMember): number[] {
  return slots.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
}

/** Who owns what in which version, and who replicates whom: two views that agree have the same. */
export function digestOf({ members }: ClusterView): string {
  const lines = members.map(
    ({ id, primaryId, epoch, slots }) => `${id} ${primaryId} ${epoch} ${slots.join()}`,
  )
  return lines.sort().join('\n')
}
