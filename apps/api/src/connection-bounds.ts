import type { ConnectionBounds } from './plugins/bounded-connections.ts'
import type { ApiSettings } from './settings.ts'

/** Descriptors that are not for clients: Redis, logs, files, and connections on their way in or out. */
const RESERVE = 64
/** An idle connection costs less than 10 kB of memory. */
const MOST = 10_000

/**
 * How many connections there may be, for a process that may have `descriptorLimit` files and sockets open (undefined: no
 * limit is known). Settings may lower what follows from the limit, not raise it.
 */
export function connectionBounds(
  {
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_ADDRESS,
  }: Pick<ApiSettings, 'MAX_CONNECTIONS' | 'MAX_CONNECTIONS_PER_ADDRESS'>,
  descriptorLimit: number | undefined,
): ConnectionBounds {
  const possible =
    descriptorLimit === undefined
      ? Infinity
      : Math.max(descriptorLimit - RESERVE, Math.ceil(descriptorLimit / 2))
  const total = Math.min(MAX_CONNECTIONS ?? MOST, possible)
  return { total, perAddress: Math.min(MAX_CONNECTIONS_PER_ADDRESS ?? Math.ceil(total / 2), total) }
}
