import type { Spread } from '@timers/lab'
import { numberText } from './table.ts'

/** Plots as SVG text: readable on light and dark pages, without scripts or fonts of their own. */
const WIDTH = 720
const INK = '#8b949e'
const COLOURS = ['#2f81f7', '#d29922', '#3fb950', '#a371f7']

export interface Bar {
  readonly label: string
  readonly spread: Spread
  readonly ours?: boolean
}

/** Horizontal bars up to the median, with a line from the smallest to the largest. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const [left, top, step] = [200, 48, 40]
  const most = Math.max(...bars.map(({ spread }) => spread.max))
  const x = (value: number) => left + (value / most) * (WIDTH - left - 90)
  const rows = bars.map(({ label, spread, ours }, index) => {
    const y = top + index * step
    const end = x(spread.median)
    return [
      text(left - 10, y + 17, label, 'end'),
      `<rect x="${left}" y="${y}" width="${round(end - left)}" height="24" rx="2" fill="${ours ? COLOURS[0] : INK}"/>`,
      line(x(spread.min), y + 12, x(spread.max), y + 12),
      text(x(spread.max) + 8, y + 17, numberText(spread.median), 'start'),
    ].join('')
  })
  return page(title, top + bars.length * step + 8, rows)
}

export interface LineChart {
  readonly title: string
  /** Names of the positions 0, 1, 2... on the x axis; without them x is a number. */
  readonly xTicks?: readonly string[]
  readonly xLabel?: string
  readonly yLabel: string
  readonly series: readonly {
    readonly label: string
    readonly points: readonly (readonly [number, number])[]
  }[]
}

export function lineChart({ title, xTicks, xLabel, yLabel, series }: LineChart): string {
  const [left, top, bottom, height] = [64, 48, 300, 350]
  const points = series.flatMap((each) => each.points)
  const [maxX, maxY] = [
    Math.max(...points.map(([at]) => at), 1),
    Math.max(...points.map(([, value]) => value), 1),
  ]
  const x = (value: number) => left + (value / maxX) * (WIDTH - left - 90)
  const y = (value: number) => bottom - (value / maxY) * (bottom - top)
  const yTicks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * maxY)
  const ticks = xTicks ?? [0, 0.25, 0.5, 0.75, 1].map((share) => numberText(share * maxX))
  const position = (index: number) => (xTicks === undefined ? (index / 4) * maxX : index)
  return page(title, height, [
    ...yTicks.map(
      (value) =>
        line(left, y(value), x(maxX), y(value), 0.3) + text(left - 8, y(value) + 4, numberText(value), 'end'),
    ),
    ...ticks.map((label, index) => text(x(position(index)), bottom + 20, label, 'middle')),
    text(left, top - 10, yLabel, 'end'),
    ...(xLabel === undefined ? [] : [text(x(maxX), bottom + 38, xLabel, 'end')]),
    ...series.map(({ label, points: own }, index) => {
      const colour = COLOURS[index % COLOURS.length]
      const path = own.map(([at, value]) => `${round(x(at))},${round(y(value))}`).join(' ')
      const [lastX, lastY] = own.at(-1) ?? [0, 0]
      return (
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>` +
        text(x(lastX) + 8, y(lastY) + 4, label, 'start', colour)
      )
    }),
  ])
}

function page(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    text(16, 24, title, 'start'),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  colour = INK,
): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${colour}">${escaped(content)}</text>`
}

function line(x1: number, y1: number, x2: number, y2: number, opacity = 1): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${opacity === 1 ? '#f85149' : INK}" stroke-opacity="${opacity}"/>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
