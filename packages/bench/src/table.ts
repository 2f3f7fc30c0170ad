import type { Spread } from '@timers/lab'
import { type Figure, type Goal, verdictOf } from './figure.ts'

const HEADER = ['measure', 'median (min to max)', 'reference', 'ratio (min to max)', 'goal', '']

/** Figures as rows of text: the header first. */
export function rowsOf(figures: readonly Figure[]): string[][] {
  return [HEADER, ...figures.map(rowOf)]
}

function rowOf(figure: Figure): string[] {
  const { what, unit, value, reference, ratio, goal } = figure
  return [
    what,
    `${spreadText(value)} ${unit}`.trimEnd(),
    reference === undefined ? '-' : `${reference.what}: ${numberText(reference.value.median)}`,
    ratio === undefined ? '-' : spreadText(ratio),
    goal === undefined ? 'reported' : goalText(goal),
    goal === undefined ? '' : verdictOf(figure),
  ]
}

export function spreadText({ median, min, max }: Spread): string {
  const [middle, low, high] = [median, min, max].map(numberText)
  return low === high ? `${middle}` : `${middle} (${low} to ${high})`
}

export function goalText({ on, atLeast, atMost }: Goal): string {
  const bounds = [
    ...(atLeast === undefined ? [] : [`>= ${numberText(atLeast)}`]),
    ...(atMost === undefined ? [] : [`<= ${numberText(atMost)}`]),
  ]
  return on === 'ratio' ? `ratio ${bounds.join(', ')}` : bounds.join(', ')
}

/** Three figures that count: 0.614, 9.42, 87.3, 421, 12,345. */
export function numberText(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en-US')
  if (size >= 10) return trimZeros(value.toFixed(1))
  return trimZeros(value.toFixed(size >= 1 ? 2 : 3))
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** A table for a terminal: columns padded to the same width. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const [first = []] = rows
  const widths = first.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}

/** A table for Markdown. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const [head = [], ...body] = rows
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n')
}
