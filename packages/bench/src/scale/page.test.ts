import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFigures, withTables } from './page.ts'
import { tablesOf } from './tables.ts'

const DOCS = join(fileURLToPath(new URL('../../../..', import.meta.url)), 'docs')

test('docs/scale.md has the tables that follow from the stored figures: npm run scale -- --write makes them', () => {
  const page = readFileSync(join(DOCS, 'scale.md'), 'utf8')
  expect(withTables(page, tablesOf(readFigures(DOCS)))).toBe(page)
})

test('a page without a place for a table is left alone', () => {
  expect(() =>
    withTables('# Past one machine', { measured: '', plan: '', kept: '', limits: '', check: '' }),
  ).toThrow('made by npm run scale')
})
