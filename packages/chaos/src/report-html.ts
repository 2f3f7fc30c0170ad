import { ALL_FAULTS, FAULT_KINDS, type FaultKind } from './fault-kinds.ts'
import type { Report } from './report.ts'
import { reportText } from './report-text.ts'
import type { RunResult } from './run.ts'
import { escapeXml, timelineSvg } from './timeline.ts'

/** Colours by what is broken; within one, darker is harder. */
const COLOURS: Readonly<Record<FaultKind, string>> = {
  'api-kill': '#1d4ed8',
  'api-term': '#93b4f5',
  'worker-kill': '#6d28d9',
  'worker-term': '#c4a8f0',
  'worker-stop': '#db2777',
  'redis-kill': '#b91c1c',
  'redis-tail': '#7f1d1d',
  'redis-disk': '#ea580c',
  'redis-oom': '#f59e0b',
  'primary-lost': '#450a0a',
  'primary-freeze': '#be123c',
  'primary-cut': '#9f1239',
  failover: '#f43f5e',
  'replica-kill': '#c2410c',
  'replica-freeze': '#fb923c',
  'slots-move': '#7c3aed',
  'node-join': '#a78bfa',
  'sentinel-kill': '#525252',
  'shards-grow': '#0284c7',
  'redis-flush': '#d6d3d1',
  'redis-rewrite': '#78716c',
  'net-drop': '#0f766e',
  'net-stall': '#14b8a6',
  'net-late-requests': '#06b6d4',
  'net-late-replies': '#155e75',
  'net-late-some': '#164e63',
  'net-refuse': '#3f6212',
  'net-reset': '#84cc16',
  'net-delay': '#a3a3a3',
  'net-cut': '#0369a1',
}

const STYLE = `
body { font: 14px/1.5 system-ui, sans-serif; color: #1c1917; margin: 2rem auto; max-width: 1240px; padding: 0 20px; background: #fff }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
.verdict { display: flex; gap: 10px; flex-wrap: wrap; margin: 1rem 0 }
.verdict div { border: 1px solid #d6d3d1; border-radius: 8px; padding: 6px 14px; min-width: 84px }
.verdict b { display: block; font-size: 1.4rem } .good b { color: #15803d } .bad b { color: #b91c1c }
table { border-collapse: collapse } td, th { text-align: left; padding: 2px 16px 2px 0; border-bottom: 1px solid #e7e5e4 }
td.number { text-align: right } code, pre { font: 12px/1.5 ui-monospace, monospace }
pre { background: #f5f5f4; padding: 12px; border-radius: 8px; overflow-x: auto; white-space: pre-wrap }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; vertical-align: -1px }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; margin-top: 1rem }
svg .title { font-weight: 600; font-size: 12px } svg .scale { text-anchor: end; fill: #78716c } svg .time { text-anchor: middle; fill: #78716c }
svg .grid { stroke: #e7e5e4 } svg .axis { stroke: #a8a29e } svg .shade { fill: #fee2e2 }
svg .created { fill: #16a34a } svg .failed { fill: #dc2626 } svg .received { fill: #2563eb }
svg .dots { stroke: #1e293b; stroke-width: 2.2; stroke-linecap: round; stroke-opacity: .45; fill: none }
`

/** The report as one page that needs nothing else. */
export function reportHtml(report: Report, result: RunResult): string {
  const flaws = Object.entries({ ...report.flaws, crashed: report.crashes })
  const tiles = flaws.map(
    ([kind, found]) =>
      `<div class="${found.length === 0 ? 'good' : 'bad'}"><b>${found.length}</b>${kind}</div>`,
  )
  const rows = ALL_FAULTS.flatMap((kind) => {
    const row = report.faults[kind]
    if (row === undefined) return []
    return `<tr><td><span class="swatch" style="background:${COLOURS[kind]}"></span>${kind}</td><td>${FAULT_KINDS[kind].says}</td><td class="number">${row.times}</td><td class="number">${row.seconds} s</td></tr>`
  })
  const unknown = Object.entries(report.unknown).sort(([, a], [, b]) => b - a)
  const fills = ALL_FAULTS.map((kind) => `svg .${kind} { fill: ${COLOURS[kind]} }`).join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Timers under faults: seed ${escapeXml(report.seed)}</title>
<style>${STYLE}${fills}</style>
</head>
<body>
<h1>Timers under faults: ${report.passed ? 'every promise was kept' : 'promises were broken'}</h1>
<p>Seed <b>${escapeXml(report.seed)}</b>, ${report.minutes} minutes of load, begun ${report.startedAt}. Again: <code>${escapeXml(report.command)}</code></p>
<div class="verdict">${tiles.join('')}</div>
${timelineSvg(result)}
<p>Point at a band to read what it was. In the rows of processes, the upper half is the process and the lower half its connection to Redis. Light red: Redis itself was broken.</p>
<h2>Faults</h2>
<table><tr><th>fault</th><th>what was done</th><th>times</th><th>altogether</th></tr>${rows.join('')}</table>
<h2>Timers that ended as unknown, and why</h2>
<table>${unknown.map(([why, count]) => `<tr><td>${escapeXml(why)}</td><td class="number">${count}</td></tr>`).join('')}</table>
<h2>Report</h2>
<pre>${escapeXml(reportText(report))}</pre>
</body>
</html>
`
}
