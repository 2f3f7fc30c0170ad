import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ScaleFigures } from './scale-figures.ts'
import { type Tables, tablesOf } from './tables.ts'

const FIGURES = 'scale-figures.json'
const PAGE = 'scale.md'

/** A page with its tables made anew, between their markers. Throws where one is missing. */
export function withTables(page: string, tables: Tables): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    const [begin, end] = [`<!-- ${name}: made by npm run scale -->`, `<!-- end of ${name} -->`]
    const [from, to] = [text.indexOf(begin), text.indexOf(end)]
    if (from === -1 || to < from) throw new Error(`docs/${PAGE} must have the lines ${begin} and ${end}`)
    return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`
  }, page)
}

export function readFigures(docs: string): ScaleFigures {
  return JSON.parse(readFileSync(join(docs, FIGURES), 'utf8'))
}

export function writeFigures(docs: string, figures: ScaleFigures): void {
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value
  writeFileSync(join(docs, FIGURES), `${JSON.stringify(figures, rounded, 2)}\n`)
}

/** Writes the tables that follow from the stored figures into the page. */
export function writePage(docs: string): void {
  const file = join(docs, PAGE)
  writeFileSync(file, withTables(readFileSync(file, 'utf8'), tablesOf(readFigures(docs))))
}
