import { type LocalSentinel, type LocalSentinelOptions, startLocalSentinel } from '@timers/local-redis'
import { startTestNodes, type TestNodes, type TestNodesOptions } from './test-nodes.ts'

export interface TestSentinelOptions
  extends TestNodesOptions,
    Omit<LocalSentinelOptions, 'dataDir' | 'announce' | 'password' | 'users' | 'tls'> {}

/** A primary with replicas under three Sentinels, that belong to one test file. */
export type TestSentinel = TestNodes<LocalSentinel>

/** Starts a primary, a replica by default, and three Sentinels of the test's own. The test must `stop()` them. */
export function startTestSentinel(options: TestSentinelOptions = {}): Promise<TestSentinel> {
  const { dataDir: _1, network: _2, clients: _3, user: _4, tls: _5, certificate: _6, ...own } = options
  return startTestNodes(options, (common) => startLocalSentinel({ ...own, ...common }))
}
