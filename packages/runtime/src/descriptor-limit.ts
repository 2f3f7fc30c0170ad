/**
 * How many files and sockets this process may have open (`ulimit -n`), or undefined where the system has no such limit
 * or does not tell. Node raises its soft limit to the hard one at its start, so this is what there is.
 *
 * For the start of a process: the report it is read from takes some milliseconds.
 */
export function descriptorLimit(): number | undefined {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = Number(userLimits?.open_files?.soft)
  return Number.isSafeInteger(soft) && soft > 0 ? soft : undefined
}
