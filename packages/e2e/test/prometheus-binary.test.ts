import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePrometheus } from '../src/prometheus-binary.ts'

describe('a machine without Prometheus', () => {
  const realPath = process.env.PATH
  let folder: string
  let cache: string
  let said: string[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prometheus-binary-'))
    cache = join(folder, 'cache')
    said = []
    process.env.PATH = folder
    for (const name of ['mkdir', 'touch', 'cp']) await symlink(`/bin/${name}`, join(folder, name))
    await program('sudo', 'if [ "$1" = -n ]; then shift; "$@"; fi')
  })

  afterEach(async () => {
    process.env.PATH = realPath
    await rm(folder, { recursive: true, force: true })
  })

  async function program(name: string, script: string): Promise<void> {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  const ensure = () => ensurePrometheus((line) => said.push(line), cache)

  /** Package lists are missing until `update`; the package holds two programs that end well. */
  async function debian(): Promise<void> {
    await program(
      'apt-get',
      `case "$1" in
         download) [ -e ${folder}/lists ] && touch prometheus_2_amd64.deb ;;
         update) touch ${folder}/lists ;;
       esac`,
    )
    await program(
      'dpkg-deb',
      `mkdir -p "$3/usr/bin"
       cp ${folder}/sudo "$3/usr/bin/prometheus" && cp ${folder}/sudo "$3/usr/bin/promtool"`,
    )
  }

  test("gets it from Debian's package, unpacked and not installed, and only once", async () => {
    await debian()
    const promtool = join(cache, 'prometheus', 'usr', 'bin', 'promtool')
    expect(await ensure()).toMatchObject({ promtool })
    expect(said.join()).toContain('Debian package "prometheus"')
    expect(await readdir(cache)).toEqual(['prometheus'])
    await rm(join(folder, 'apt-get'))
    expect(await ensure()).toMatchObject({ promtool })
  })

  test('a package that cannot be had is an error that says what to do', async () => {
    await debian()
    await program('dpkg-deb', 'exit 1')
    await expect(ensure()).rejects.toThrow('apt-get install prometheus')
    expect(await readdir(cache)).toEqual([])
  })

  test('and without a package manager that we know: there is none, and that is said', async () => {
    expect(await ensure()).toBeUndefined()
    expect(said.join()).toContain('install Prometheus to test the alerts')
  })
})
