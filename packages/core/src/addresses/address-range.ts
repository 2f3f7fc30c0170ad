/** A row of a table: what the range is, and the document that says so. */
export interface AddressRange {
  readonly range: string
  readonly name: string
  readonly source: string
}

type Row = readonly [range: string, name: string, source: string]

export function table(rows: readonly Row[]): readonly AddressRange[] {
  return rows.map(([range, name, source]) => ({ range, name, source }))
}
