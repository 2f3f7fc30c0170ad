import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRIVATE_FILE } from '../private-folder.ts'

/** A node, as the file remembers it: it comes back on the ports where the others look for it. */
export interface RememberedNode {
  readonly name: string
  readonly port: number
  readonly busPort: number
  readonly tlsPort?: number
}

/** Which nodes a cluster's folder holds. */
export class ClusterFile {
  readonly #file: string

  constructor(dataDir: string) {
    this.#file = join(dataDir, 'cluster.json')
  }

  /** Undefined before the nodes have become a cluster for the first time. */
  read(): readonly RememberedNode[] | undefined {
    if (!existsSync(this.#file)) return undefined
    return JSON.parse(readFileSync(this.#file, 'utf8')) as RememberedNode[]
  }

  write(nodes: readonly RememberedNode[]): void {
    const draft = `${this.#file}.new`
    writeFileSync(draft, JSON.stringify(nodes), { mode: PRIVATE_FILE })
    renameSync(draft, this.#file)
  }
}
