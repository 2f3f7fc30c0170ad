import { readFile, stat } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { type Hosts, parseHosts } from './hosts-file.ts'
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts'

/** Where the machine, or the container engine, says how names are looked up. */
export interface NameFiles {
  readonly hosts: string
  readonly resolvConf: string
}

export const SYSTEM_NAME_FILES: NameFiles = { hosts: '/etc/hosts', resolvConf: '/etc/resolv.conf' }

/** How long what was read is taken for true without looking whether a file has changed, in milliseconds. */
const REVIEW_AFTER_MS = 1_000

/** How DNS is asked. Another object means that something of it has changed. */
export interface DnsSettings extends ResolvConf {
  /** The kinds of addresses that this machine can use, 4 and 6. */
  readonly families: readonly number[]
}

export interface NameSettings {
  readonly hosts: Hosts
  readonly dns: DnsSettings
}

/** Reads the files, and again when they have changed. Looks when it is asked, so that there is nothing to stop. */
export class NameSettingsReader {
  readonly #files: NameFiles
  #settings: NameSettings | undefined
  #marks = { hosts: '', dns: '' }
  #reviewAt = 0
  #review: Promise<NameSettings> | undefined

  constructor(files: NameFiles) {
    this.#files = files
  }

  current(): NameSettings | Promise<NameSettings> {
    if (this.#settings !== undefined && performance.now() < this.#reviewAt) return this.#settings
    this.#review ??= this.#read().finally(() => {
      this.#review = undefined
    })
    return this.#review
  }

  async #read(): Promise<NameSettings> {
    const families = usableFamilies()
    // The marks are taken first: a change while the file is being read shows the next time.
    const marks = {
      hosts: await markOf(this.#files.hosts),
      dns: `${await markOf(this.#files.resolvConf)} ${families}`,
    }
    const known = this.#settings
    this.#settings = {
      hosts:
        known !== undefined && marks.hosts === this.#marks.hosts
          ? known.hosts
          : parseHosts(await textOf(this.#files.hosts)),
      dns:
        known !== undefined && marks.dns === this.#marks.dns
          ? known.dns
          : { ...parseResolvConf(await textOf(this.#files.resolvConf), hostname()), families },
    }
    this.#marks = marks
    this.#reviewAt = performance.now() + REVIEW_AFTER_MS
    return this.#settings
  }
}

/**
 * As `AI_ADDRCONFIG` of getaddrinfo(3), with which Node looks names up for connections: no IPv6 is asked for where the
 * machine has none. Link-local addresses do not count: they reach no receiver. Where there is neither, both may be asked.
 */
function usableFamilies(): readonly number[] {
  const families = new Set<number>()
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { internal, family, address } of addresses ?? []) {
      if (!internal && !/^fe[89ab]/i.test(address)) families.add(family === 'IPv4' ? 4 : 6)
    }
  }
  return families.size === 0 ? [4, 6] : [...families].sort()
}

/** Changes whenever the file does, also when another one is moved to its place. */
async function markOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true }).catch(() => ({
    ino: 0,
    size: 0,
    mtimeNs: 0,
  }))
  return `${ino} ${size} ${mtimeNs}`
}

/** A file that is missing says nothing. */
function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
