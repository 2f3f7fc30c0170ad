import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter } from '@bull-board/fastify'
import type { ShardQueues } from '@timers/queue'
import type { FastifyPluginCallback } from 'fastify'
import { NODES_PATH } from './nodes-page.ts'
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

/** With zeros before it, so that the order by name is that of the shards. */
function nameOf(shard: number, shards: number): string {
  return `shard ${String(shard).padStart(String(shards - 1).length, '0')}`
}

/**
 * Bull Board over all shards, to look at and not to touch, as a plugin to be mounted at the root.
 *
 * It asks all queues for one page, and shows none where one fails. So shards whose server is away are left out as long as others
 * answer; the page of the nodes tells of them.
 */
export function createBoard(
  shards: Pick<ShardQueues, 'queues' | 'answers' | 'onChange'>,
): FastifyPluginCallback {
  const serverAdapter = new FastifyAdapter()
  const isShown = (shard: number) =>
    shards.answers(shard) || !shards.queues.some((_, other) => shards.answers(other))
  const adapters = () =>
    shards.queues.map((queue, shard, { length }) => {
      const adapter = new ShardAdapter(queue, nameOf(shard, length))
      adapter.setFormatter('data', readableData)
      adapter.setFormatter('name', readableName)
      adapter.setVisibilityGuard(() => isShown(shard))
      return adapter
    })
  const { replaceQueues } = createBullBoard({
    queues: adapters(),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Timers',
        hideDocsLink: true,
        // It looks for them by a name that BullMQ gives their connections, and ours have another: it would say that there are none.
        showWorkers: false,
        miscLinks: [{ text: 'Redis', url: NODES_PATH }],
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
