import { readFileSync } from 'node:fs'

/** Length of a tick of /proc on Linux, in milliseconds. */
const TICK_MS = 10

/** Processor time that a process has used so far, in milliseconds; undefined where there is no /proc. */
export function processorMs(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name in brackets may hold anything: count from the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return undefined
  }
}

/** Resident memory of a process in MiB; undefined where there is no /proc. */
export function residentMiB(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : Number(kib) / 1_024
  } catch {
    return undefined
  }
}

/** Bytes that a process has read and written so far by system calls: sockets and files alike; 0 where there is no /proc. */
export function transferredBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/io`, 'utf8')
    const [, read, written] = /^rchar: (\d+)\nwchar: (\d+)$/m.exec(text) ?? []
    return Number(read) + Number(written)
  } catch {
    return 0
  }
}
