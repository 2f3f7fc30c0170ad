import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { arch, cpus, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { percentile } from '@timers/lab'
import { findRedisServer } from '@timers/local-redis'

/** What the figures depend on. No host name and no paths: it is published. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly redis: string
  /** File system under the append-only file. */
  readonly fileSystem: string
  /** Median time of appending 4 KiB and fsync there, in milliseconds: what every acknowledgement waits for. */
  readonly fsyncMs: number
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlay',
}

/** `folder` is where Redis will keep its data. */
export function describeMachine(folder: string): Machine {
  const processors = cpus()
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.versions.node,
    redis: redisVersion(),
    fileSystem: FILE_SYSTEMS[statfsSync(folder).type] ?? 'unknown',
    fsyncMs: measureFsync(folder),
  }
}

export function machineText(machine: Machine): string {
  return (
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, ${machine.system}, ` +
    `Node ${machine.node}, Redis ${machine.redis}, ${machine.fileSystem} with ${machine.fsyncMs} ms an fsync`
  )
}

function redisVersion(): string {
  const binary = findRedisServer()
  if (binary === undefined) return 'none'
  return /v=(\S+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown'
}

function measureFsync(folder: string): number {
  const path = join(folder, 'fsync-probe')
  const file = openSync(path, 'a')
  const block = Buffer.alloc(4_096, 'x')
  const times = Array.from({ length: 100 }, () => {
    const startedAt = performance.now()
    writeSync(file, block)
    fsyncSync(file)
    return performance.now() - startedAt
  })
  closeSync(file)
  rmSync(path)
  return Number(percentile(times, 0.5).toFixed(2))
}
