import { type LocalCluster, type LocalClusterOptions, startLocalCluster } from '@timers/local-redis'
import { startTestNodes, type TestNodes, type TestNodesOptions } from './test-nodes.ts'

export interface TestClusterOptions
  extends TestNodesOptions,
    Omit<LocalClusterOptions, 'dataDir' | 'announce' | 'password' | 'users' | 'tls'> {}

/** A Redis Cluster that belongs to one test file. */
export type TestCluster = TestNodes<LocalCluster>

/** Starts a Redis Cluster of the test's own, three primaries with a replica each by default. The test must `stop()` it. */
export function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { dataDir: _1, network: _2, clients: _3, user: _4, tls: _5, certificate: _6, ...own } = options
  return startTestNodes(options, (common) => startLocalCluster({ ...own, ...common }))
}
