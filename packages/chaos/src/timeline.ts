import type { FaultRun } from './broken.ts'
import { FAULT_KINDS } from './fault-kinds.ts'
import { SLOTS } from './fault-plan.ts'
import { duration, nameOf } from './progress.ts'
import { latenesses } from './report.ts'
import type { RunResult } from './run.ts'

const WIDTH = 1_200
const LEFT = 90
const RIGHT = 10
const ROW = 18
const BARS_HEIGHT = 90
const PLOT_HEIGHT = 220
const GAP = 34
const LATENESS_MARKS_MS = [1, 10, 100, 1_000, 10_000, 100_000]
/** Room above the highest point, in powers of ten. */
const HEADROOM = 0.1

/** The run over time, as one SVG: faults as bands, creations and requests a second, and how late each timer fired. */
export function timelineSvg(result: RunResult): string {
  const { startedAt, endedAt, evidence, broken } = result
  const x = (at: number): number =>
    round(LEFT + ((at - startedAt) / (endedAt - startedAt)) * (WIDTH - LEFT - RIGHT))
  const bands = faultBands(broken.faults, x, 20)
  const barsTop = 20 + bands.height + GAP
  const created = countBySecond(
    evidence.creations.filter((one) => one.acknowledged).map((one) => one.askedAt),
  )
  const failed = countBySecond(
    evidence.creations.filter((one) => !one.acknowledged).map((one) => one.askedAt),
  )
  const received = countBySecond(evidence.sightings.map((one) => one.receivedAt))
  const firesTop = barsTop + BARS_HEIGHT + GAP
  const latenessTop = firesTop + BARS_HEIGHT + GAP
  const height = latenessTop + PLOT_HEIGHT + 30
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="The run over time">`,
    shades(broken.faults, x, barsTop, latenessTop + PLOT_HEIGHT),
    `<text class="title" x="0" y="12">What was broken</text>`,
    bands.svg,
    `<text class="title" x="0" y="${barsTop - 8}">Creations a second: acknowledged, failed</text>`,
    bars([created, failed], ['created', 'failed'], x, barsTop),
    `<text class="title" x="0" y="${firesTop - 8}">Requests received a second</text>`,
    bars([received], ['received'], x, firesTop),
    `<text class="title" x="0" y="${latenessTop - 8}">Lateness of each timer: its first request minus its due time, at the due time</text>`,
    latenessPlot(result, x, latenessTop),
    timeAxis(result, x, latenessTop + PLOT_HEIGHT),
    '</svg>',
  ].join('\n')
}

type Scale = (at: number) => number

/** A row for each process, one for Redis. What concerns several processes stands in each of their rows. */
function faultBands(faults: readonly FaultRun[], x: Scale, top: number): { svg: string; height: number } {
  const rows = ['redis', ...SLOTS]
  const parts = rows.map((row, index) => {
    const y = top + index * (ROW + 4)
    const own = faults.filter(({ slots }) =>
      row === 'redis' ? slots.length === 0 : (slots as string[]).includes(row),
    )
    const rects = own.map((fault) => {
      const isNetwork = FAULT_KINDS[fault.kind].lane === 'network'
      const width = Math.max(2, x(fault.to) - x(fault.from))
      const title = `${nameOf(fault)}: ${FAULT_KINDS[fault.kind].says}, ${((fault.to - fault.from) / 1_000).toFixed(1)} s${fault.note ? ` (${fault.note})` : ''}`
      return `<rect class="${fault.kind}" x="${x(fault.from)}" y="${isNetwork ? y + ROW / 2 : y}" width="${round(width)}" height="${isNetwork || row !== 'redis' ? ROW / 2 : ROW}"><title>${escapeXml(title)}</title></rect>`
    })
    const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y + ROW + 2}" y2="${y + ROW + 2}"/>`
    return `${line}<text x="0" y="${y + 13}">${row}</text>${rects.join('')}`
  })
  return { svg: parts.join('\n'), height: rows.length * (ROW + 4) }
}

/** When Redis itself was broken, behind everything else. */
function shades(faults: readonly FaultRun[], x: Scale, top: number, bottom: number): string {
  return faults
    .filter(({ kind }) => FAULT_KINDS[kind].lane === 'redis')
    .map(
      ({ from, to }) =>
        `<rect class="shade" x="${x(from)}" y="${top}" width="${round(Math.max(1, x(to) - x(from)))}" height="${bottom - top}"/>`,
    )
    .join('')
}

function countBySecond(instants: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const at of instants) {
    const second = Math.floor(at / 1_000) * 1_000
    counts.set(second, (counts.get(second) ?? 0) + 1)
  }
  return counts
}

/** Bars of several series, one on top of the other. */
function bars(
  series: readonly Map<number, number>[],
  classes: readonly string[],
  x: Scale,
  top: number,
): string {
  const seconds = [...new Set(series.flatMap((counts) => [...counts.keys()]))]
  const heights = seconds.map((second) => series.reduce((sum, counts) => sum + (counts.get(second) ?? 0), 0))
  const most = Math.max(1, ...heights)
  const below = new Map<number, number>()
  const parts = series.map((counts, index) => {
    const path = [...counts].map(([second, count]) => {
      const under = below.get(second) ?? 0
      below.set(second, under + count)
      const y = (value: number): number => round(top + BARS_HEIGHT - (value / most) * BARS_HEIGHT)
      const [from, to] = [x(second), round(x(second + 1_000))]
      return `M${from} ${y(under)}V${y(under + count)}H${to}V${y(under)}Z`
    })
    return `<path class="${classes[index]}" d="${path.join('')}"/>`
  })
  const scale = `<text class="scale" x="${LEFT - 6}" y="${top + 8}">${most}</text><text class="scale" x="${LEFT - 6}" y="${top + BARS_HEIGHT}">0</text>`
  return `${parts.join('')}${scale}<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${top + BARS_HEIGHT}" y2="${top + BARS_HEIGHT}"/>`
}

function latenessPlot(result: RunResult, x: Scale, top: number): string {
  const points = latenesses(result)
  const most = Math.max(1_000, ...points.map(({ latenessMs }) => latenessMs))
  const decades = Math.log10(most) + HEADROOM
  const y = (ms: number): number =>
    round(top + PLOT_HEIGHT - (Math.log10(Math.max(1, ms)) / decades) * PLOT_HEIGHT)
  const marks = LATENESS_MARKS_MS.filter((ms) => Math.log10(ms) <= decades).map(
    (ms) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(ms)}" y2="${y(ms)}"/><text class="scale" x="${LEFT - 6}" y="${y(ms) + 4}">${ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`}</text>`,
  )
  const dots = points.map(({ dueAt, latenessMs }) => `M${x(dueAt)} ${y(latenessMs)}h0`)
  return `${marks.join('')}<path class="dots" d="${dots.join('')}"/>`
}

function timeAxis({ startedAt, endedAt }: RunResult, x: Scale, top: number): string {
  const totalMs = endedAt - startedAt
  const stepMs =
    [10_000, 30_000, 60_000, 300_000, 600_000, 3_600_000].find((ms) => totalMs / ms <= 14) ?? 3_600_000
  const marks: string[] = []
  for (let at = 0; at <= totalMs; at += stepMs) {
    marks.push(
      `<line class="axis" x1="${x(startedAt + at)}" x2="${x(startedAt + at)}" y1="${top}" y2="${top + 5}"/><text class="time" x="${x(startedAt + at)}" y="${top + 18}">${duration(at)}</text>`,
    )
  }
  return `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${top}" y2="${top}"/>${marks.join('')}`
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
