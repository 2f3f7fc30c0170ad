/** @import { OwnKind } from './own-server.mjs' */

/**
 * The Redis of `npm start`: one, on a free port.
 *
 * @type {OwnKind}
 */
export const OWN_REDIS = {
  folder: 'redis',
  settings: {},
  async launch(dataDir, onCrash) {
    const { startRedisServer } = await import('@timers/local-redis')
    /** @param {{ port?: number }} [place] */
    const start = async (place) => {
      const started = await startRedisServer({ dataDir, detached: true, ...place })
      void started.exited.then((exit) => onCrash('Redis', exit))
      return started
    }
    let server = await start()
    return {
      url: server.url,
      startAgain: async () => {
        server = await start({ port: server.port })
      },
      stop: () => server.stop(),
      kill: () => server.kill(),
    }
  },
}
