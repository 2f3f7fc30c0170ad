import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { PRIVATE_FILE } from './private-folder.ts'

/** A node, as the file remembers it: it comes back on the ports where the others look for it. */
export interface RememberedNode {
  readonly name: string
  readonly port: number
  /** Of a cluster's node. */
  readonly busPort?: number
  readonly tlsPort?: number
}

/** The file that says which nodes a folder holds. */
export class RememberedNodes {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** Undefined before the nodes have come together for the first time. */
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
