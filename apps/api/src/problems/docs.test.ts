import { readFileSync } from 'node:fs'
import { timerBody } from '../schemas/timer-answers.ts'
import { createTimerBody, putTimerBody, resolveTimerBody } from '../schemas/timer-bodies.ts'
import { PROBLEM_CODES, problem } from './problem.ts'

const docs = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8')

/** `| 414, 431 | `A`, `B` | ... |` as [['A', 414], ['B', 431]]; one status stands for all codes of its row. */
const documented = [...docs.matchAll(/^\| (\d{3}(?:, \d{3})*) \| ([^|]*) \|/gm)].flatMap(
  ([, numbers = '', names = '']) => {
    const statuses = numbers.split(', ').map(Number)
    return [...names.matchAll(/`([A-Z_]+)`/g)].map(([, code = ''], at) => [code, statuses[at] ?? statuses[0]])
  },
)

describe('docs/api.md', () => {
  const table = docs.slice(docs.indexOf('## Errors'))

  it.each([...PROBLEM_CODES])('lists %s with its status', (code) => {
    expect(documented).toContainEqual([code, problem(code, '').status])
    expect(table).toContain(`\`${code}\``)
  })

  it('lists no code that there is not', () => {
    expect(
      documented.map(([code]) => code).filter((code) => !PROBLEM_CODES.some((known) => known === code)),
    ).toEqual([])
  })

  it.each(
    [timerBody, createTimerBody, putTimerBody, resolveTimerBody].flatMap(({ properties }) =>
      Object.keys(properties),
    ),
  )('tells of the field %s', (name) => {
    expect(docs).toMatch(new RegExp(`[\`"]${name}[\`"]`))
  })
})
