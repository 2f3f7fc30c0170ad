/**
 * Checks Dockerfile and the compose files without a container engine: runs every build step as plain commands in an empty
 * folder, then lets each service start far enough to refuse wrong settings, so that all of its imports were found.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runStages } from './dockerfile-stages.mjs'
import { ROOT, runMain, SetupError } from './setup.mjs'

const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.cluster.yml']
const SERVICES = ['api', 'dashboard', 'worker']
/** Packages that have no business in an image, and those that only one service needs. */
const UNWANTED = [
  'typescript',
  'jest',
  '@biomejs/biome',
  'turbo',
  '@timers/lab/dist',
  '@timers/local-redis/dist',
]
const BELONGS_TO = { got: 'worker', '@bull-board/ui': 'dashboard' }

await runMain(async () => {
  const buildDir = await mkdtemp(join(tmpdir(), 'timers-dockerfile-'))
  try {
    const stages = await runStages({ contextDir: ROOT, buildDir })
    const services = stages.filter(({ command }) => command !== undefined)
    const names = services.map(({ name }) => name).sort()
    if (names.join() !== SERVICES.join()) throw new SetupError(`The services are ${names}, not ${SERVICES}`)
    for (const service of services) checkService(service)
  } finally {
    await rm(buildDir, { recursive: true, force: true })
  }
  checkCompose()
  console.log('\nThe Dockerfile builds, and every service finds what it needs.')
  return 0
})

/** @param {import('./dockerfile-stages.mjs').Stage} service */
function checkService({ name, root, workdir, env, user, command = [] }) {
  if (user !== 'node') throw new SetupError(`${name} runs as ${user}: it must run as node`)
  const folder = join(root, workdir)
  for (const unwanted of UNWANTED) {
    if (existsSync(join(folder, 'node_modules', unwanted)))
      throw new SetupError(`${name} contains ${unwanted}`)
  }
  for (const [dependency, owner] of Object.entries(BELONGS_TO)) {
    if (existsSync(join(folder, 'node_modules', dependency)) !== (owner === name)) {
      throw new SetupError(`${dependency} belongs into ${owner} only: look at ${name}`)
    }
  }
  const [program = '', ...args] = command
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env, TIMER_SHARDS: 'none', DASHBOARD_PASSWORD: '' },
    encoding: 'utf8',
    timeout: 20_000,
  })
  if (status === 0 || !`${stdout}${stderr}`.includes('TIMER_SHARDS must be')) {
    throw new SetupError(`${name} did not get as far as its settings (${status}):\n${stdout}${stderr}`)
  }
  const size = spawnSync('du', ['-sh', folder], { encoding: 'utf8' }).stdout.split('\t')[0]
  console.log(`\n${name}: ${command.join(' ')} finds all that it imports; ${size}`)
}

function checkCompose() {
  const docker = (/** @type {string[]} */ ...args) =>
    spawnSync('docker', ['compose', ...args], {
      cwd: ROOT,
      env: { ...process.env, DASHBOARD_PASSWORD: 'for-the-check' },
      encoding: 'utf8',
    })
  if (docker('version').status !== 0) {
    console.log(`\n${COMPOSE_FILES.join(', ')}: not checked, there is no docker compose here.`)
    return
  }
  for (const file of COMPOSE_FILES) {
    const { status, stderr } = docker('--file', file, 'config', '--quiet')
    if (status !== 0) throw new SetupError(`docker compose config of ${file}: ${stderr}`)
    console.log(`\n${file}: docker compose config accepts it.`)
  }
}
