import { type NodeSecurity, tlsLines } from '../node-security.ts'
import { type NodeSettings, RedisNode, type RedisNodeOptions } from '../redis-node.ts'
import { ensureConfigFile } from './config-file.ts'

/** How long a Sentinel waits before it tries a failover that failed once more, twice this. */
const FAILOVER_TIMEOUT_MS = 5_000

export interface SentinelOptions extends RedisNodeOptions {
  readonly tlsPort: number | undefined
  readonly security: NodeSecurity
  readonly primaryName: string
  readonly downAfterMs: number
  /** Where an empty one finds the primary. */
  readonly primaryPort: () => Promise<number>
}

/** One of the Sentinels: it watches the nodes, and with another one it decides who is primary. */
export class Sentinel extends RedisNode {
  readonly #options: SentinelOptions

  constructor(options: SentinelOptions) {
    super(options)
    this.#options = options
  }

  /** The port of the primary, as clients are told. */
  async primaryPort(): Promise<number> {
    const answer = await this.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.#options.primaryName)
    return Array.isArray(answer) ? Number(answer[1]) : 0
  }

  /**
   * Whether it acts on what it sees. One that was itself asleep for over 2 s does not for 30 s: it takes its clock for wrong,
   * says `OK` to a failover, and begins it when that time is over (TILT mode, Redis' documents on Sentinel).
   */
  async acts(): Promise<boolean> {
    return (await this.info('sentinel')).get('sentinel_tilt') === '0'
  }

  /** Begins a planned failover. */
  async failover(): Promise<void> {
    await this.command('SENTINEL', 'FAILOVER', this.#options.primaryName)
  }

  /** Whether it knows that many replicas and that many other Sentinels, and takes the primary for well. */
  async knows(replicas: number, sentinels: number): Promise<boolean> {
    const answer = await this.command('SENTINEL', 'MASTER', this.#options.primaryName)
    const words = Array.isArray(answer) ? answer : []
    const field = (name: string) => String(words[words.indexOf(name) + 1])
    return (
      field('flags') === 'master' &&
      Number(field('num-slaves')) >= replicas &&
      Number(field('num-other-sentinels')) >= sentinels
    )
  }

  protected override async settings(): Promise<NodeSettings> {
    const { tlsPort, security, primaryName, downAfterMs, primaryPort } = this.#options
    const configFile = await ensureConfigFile(this.dataDir, async () => [
      ...tlsLines(security.tls, tlsPort),
      ...(security.users ?? []).map((rules) => ['user', ...rules]),
      ['sentinel', 'monitor', primaryName, '127.0.0.1', String(await primaryPort()), '2'],
      ['sentinel', 'down-after-milliseconds', primaryName, String(downAfterMs)],
      ['sentinel', 'failover-timeout', primaryName, String(FAILOVER_TIMEOUT_MS)],
      ...(security.password === undefined ? [] : [['sentinel', 'auth-pass', primaryName, security.password]]),
    ])
    return { configFile, extraArgs: ['--sentinel'] }
  }
}
