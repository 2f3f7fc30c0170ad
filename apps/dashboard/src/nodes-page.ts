import type { RedisFigures, RedisHealth, RedisNodeState, ShardQueues } from '@timers/queue'
import type { FastifyInstance } from 'fastify'

/** Where it is, for the link in the board. */
export const NODES_PATH = '/nodes'

/** Asked again so often, in seconds. */
const REFRESH_SECONDS = 5
const MEBIBYTE = 2 ** 20

const STYLE = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
  th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8886 }
  .bad { color: #c62828; font-weight: 600 }
  @media (prefers-color-scheme: dark) { .bad { color: #ff8a80 } }
`

/** A page of every Redis that holds timers: what it keeps, how full it is, who copies it. */
export function serveNodesPage(app: FastifyInstance, queues: Pick<ShardQueues, 'health' | 'nodes'>): void {
  app.get(NODES_PATH, async (_request, reply) => {
    reply.type('text/html; charset=utf-8')
    return nodesPage(queues.health(), queues.nodes())
  })
}

function nodesPage({ problems, advice }: RedisHealth, nodes: readonly RedisNodeState[]): string {
  const rows = [...nodes].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })).map(row)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<title>Timers: Redis</title>
<style>${STYLE}</style>
</head>
<body>
<p><a href="/">Timers</a></p>
<h1>Redis</h1>
${list('Problems', problems, 'bad')}${list('Advice', advice)}<table>
<thead><tr><th>Node</th><th>State</th><th>Shards</th><th>Moving slots</th><th>Memory</th><th>Append-only file</th><th>Replicas</th></tr></thead>
<tbody>
${rows.join('\n') || '<tr><td colspan="7">No node is known yet.</td></tr>'}
</tbody>
</table>
</body>
</html>
`
}

function list(title: string, lines: readonly string[], style = ''): string {
  if (lines.length === 0) return ''
  return `<h2>${title}</h2>\n<ul class="${style}">${lines.map((line) => `<li>${text(line)}</li>`).join('')}</ul>\n`
}

function row({ name, ready, shards, movingSlots, figures }: RedisNodeState): string {
  const state = stateOf(ready, figures)
  const told = figures === undefined ? ['', '', ''] : [memory(figures), aof(figures), replicas(figures)]
  const cells = [text(name), state, shards, movingSlots, ...told]
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
}

function stateOf(ready: boolean | undefined, figures: RedisFigures | undefined): string {
  if (ready === undefined) return 'not in use'
  return ready ? 'ready' : bad(figures === undefined ? 'away' : 'not ready')
}

function memory({ memoryUsedBytes: used, memoryMaxBytes: max }: RedisFigures): string {
  if (max === undefined) return `${mebibytes(used)} (no maxmemory)`
  const words = `${mebibytes(used)} of ${mebibytes(max)} (${Math.round((100 * used) / max)} %)`
  return used > 0.9 * max ? bad(words) : words
}

function aof({ aof: { enabled, lastWriteOk, rewriting } }: RedisFigures): string {
  if (!enabled) return bad('off')
  if (!lastWriteOk) return bad('its last write failed')
  return rewriting ? 'on, being rewritten' : 'on'
}

function replicas({ replicas: all }: RedisFigures): string {
  if (all.length === 0) return 'none'
  return all
    .map(({ address, online, lagBytes, lagSeconds }) => {
      const lag = `${lagBytes} bytes and ${lagSeconds} s behind`
      return `${text(address)}: ${online ? lag : bad('not in step yet')}`
    })
    .join('<br>')
}

const mebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`
const bad = (words: string): string => `<span class="bad">${words}</span>`

/** Names and problems come from servers and settings: they are text, never markup. */
function text(words: string): string {
  return words.replace(
    /[&<>"']/g,
    (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? '&#39;',
  )
}
