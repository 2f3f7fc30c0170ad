import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCUMENTS = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** A heading as an anchor, the way GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}

function anchorsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
}

/** Links to files of this repository that lead nowhere. */
function deadLinksIn(document: string): string[] {
  const from = join(ROOT, document)
  const links = [...readFileSync(from, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? from : join(dirname(from), path)
      return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor))
    })
}

/** Paths of sources that are named in backticks and do not exist. */
function deadPathsIn(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const paths = [...text.matchAll(/`((?:apps|packages|scripts|docs)\/[\w./-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  )
  return paths.filter((path) => !path.includes('/dist/') && !existsSync(join(ROOT, path)))
}

describe.each(DOCUMENTS)('%s', (document) => {
  test('links only to what is there', () => {
    expect(deadLinksIn(document)).toEqual([])
  })

  test('names only files that are there', () => {
    expect(deadPathsIn(document)).toEqual([])
  })
})
