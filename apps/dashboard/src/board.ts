import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter } from '@bull-board/fastify'
import type { ShardQueues } from '@timers/queue'
import type { FastifyPluginCallback } from 'fastify'
import { readableData, readableName } from './readable-job.ts'

/** Fonts of the machine it is looked at on: nothing is fetched from elsewhere. */
const FONTS = { 'font-sans': 'system-ui, sans-serif', 'font-mono': 'ui-monospace, monospace' } as const

/** One shard, by a name that people understand: its queue is called `{0}`, for the sake of Redis Cluster. */
class ShardAdapter extends BullMQAdapter {
  readonly #name: string

  constructor(queue: ShardQueues['queues'][number], name: string) {
    super(queue, { readOnlyMode: true, allowRetries: false })
    this.#name = name
  }

  override getName(): string {
    return this.#name
  }
}

/** Bull Board over all shards, to look at and not to touch, as a plugin to be mounted at the root. */
export function createBoard(shards: Pick<ShardQueues, 'queues' | 'onChange'>): FastifyPluginCallback {
  const serverAdapter = new FastifyAdapter()
  const adapters = () =>
    shards.queues.map((queue, shard) => {
      const adapter = new ShardAdapter(queue, `shard ${shard}`)
      adapter.setFormatter('data', readableData)
      adapter.setFormatter('name', readableName)
      return adapter
    })
  const { replaceQueues } = createBullBoard({
    queues: adapters(),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Timers',
        hideDocsLink: true,
        theme: { light: FONTS, dark: FONTS },
      },
    },
  })
  shards.onChange(() => replaceQueues(adapters()))
  // Thrown on to the error handler of the app, which answers with a problem.
  serverAdapter.setErrorHandler((error) => {
    throw error
  })
  return serverAdapter.registerPlugin()
}
