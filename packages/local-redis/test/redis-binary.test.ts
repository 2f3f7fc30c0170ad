import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedisServer, findRedisServer } from '../src/index.ts'

describe('a machine without a redis-server', () => {
  const realPath = process.env.PATH
  let folder: string
  let said: string[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redis-binary-'))
    said = []
    process.env.PATH = folder
    await symlink('/usr/bin/env', join(folder, 'env'))
    await program('sudo', 'exec "$@"')
  })

  afterEach(async () => {
    process.env.PATH = realPath
    await rm(folder, { recursive: true, force: true })
  })

  async function program(name: string, script: string): Promise<void> {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  const ensure = (): Promise<string> => ensureRedisServer((line) => said.push(line))

  test('gets one from its package manager, and is told so', async () => {
    expect(findRedisServer()).toBeUndefined()
    await program(
      'apt-get',
      `echo "$@" >> ${folder}/calls
       if [ "$1" = update ]; then exit 100; fi
       echo "#!/bin/sh" > ${folder}/redis-server && /bin/chmod +x ${folder}/redis-server`,
    )
    expect(await ensure()).toBe(join(folder, 'redis-server'))
    expect(await readFile(join(folder, 'calls'), 'utf8')).toBe('update\ninstall -y redis-server\n')
    expect(said.join('\n')).toMatch(/installing one with apt-get.*apt-get install -y redis-server/s)
  })

  test('a second package is tried where the first has gone', async () => {
    await program(
      'dnf',
      `[ "$3" = valkey ] || exit 1
       echo "#!/bin/sh" > ${folder}/valkey-server && /bin/chmod +x ${folder}/valkey-server`,
    )
    expect(await ensure()).toBe(join(folder, 'valkey-server'))
  })

  test('says what to do when the package manager fails, and when there is none', async () => {
    await expect(ensure()).rejects.toThrow(
      /this machine has no package manager that we know.*Install Redis.*or set REDIS_URL/s,
    )
    await program('apk', 'exit 1')
    await expect(ensure()).rejects.toThrow(/"(sudo )?apk add --no-cache redis" ended with 1.*Install Redis/s)
  })
})
