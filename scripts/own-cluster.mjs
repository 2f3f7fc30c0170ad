/** @import { OwnKind } from './own-server.mjs' */

/**
 * The Redis Cluster of `npm start -- --cluster`: three primaries with a replica each, on free ports.
 *
 * @type {OwnKind}
 */
export const OWN_CLUSTER = {
  folder: 'redis-cluster',
  /**
   * As in docker-compose.cluster.yml: enough shards that each primary has its part (4, 5 and 3, by their slots), and no more
   * connections than that; and what counts is on the replica, too.
   */
  settings: { TIMER_SHARDS: '12', REDIS_REPLICA_ACKS: '1' },
  async launch(dataDir, onCrash) {
    const { startLocalCluster } = await import('@timers/local-redis')
    console.log('Starting a Redis Cluster of three primaries and three replicas ...')
    const cluster = await startLocalCluster({
      dataDir,
      detached: true,
      onCrash: (node, exit) => onCrash(`Redis ${node}`, exit),
    })
    return {
      url: cluster.url,
      startAgain: async (name) => {
        await cluster.nodes.find((node) => name === `Redis ${node.name}`)?.start()
      },
      stop: () => cluster.stop(),
      kill: () => cluster.kill(),
    }
  },
}
