import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { cp, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join, posix, relative } from 'node:path'
import dockerignore from '@balena/dockerignore'
import { DockerfileParser, From } from 'dockerfile-ast'

/** @import { Copy, Env, JSONInstruction } from 'dockerfile-ast' */

/**
 * A stage after its last step.
 *
 * @typedef {object} Stage
 * @property {string} name
 * @property {string} root folder that stands for the image's `/`
 * @property {string} workdir absolute path inside the image
 * @property {Record<string, string>} env
 * @property {string} user
 * @property {readonly string[] | undefined} command of CMD
 */

/**
 * Runs the steps of a Dockerfile as plain commands, a folder for each stage, in place of a container engine.
 *
 * Covers what our Dockerfile uses: FROM, WORKDIR, ENV, COPY (also --from) and RUN; USER, EXPOSE and CMD are noted. Anything else
 * is an error, not a guess. An image from a registry is an empty folder: programs are those of this machine.
 *
 * @param {{ contextDir: string, buildDir: string }} folders
 * @returns {Promise<Stage[]>}
 */
export async function runStages({ contextDir, buildDir }) {
  const dockerfile = DockerfileParser.parse(await readFile(join(contextDir, 'Dockerfile'), 'utf8'))
  // Its types say that it has a `default`; the module is the function itself.
  const createFilter = /** @type {() => import('@balena/dockerignore').Ignore} */ (
    /** @type {unknown} */ (dockerignore)
  )
  const ignored = createFilter().add(await readFile(join(contextDir, '.dockerignore'), 'utf8'))
  /** @type {Stage[]} */
  const stages = []
  for (const instruction of dockerfile.getInstructions()) {
    console.log(instruction.toString())
    if (instruction instanceof From) {
      stages.push(await beginStage(instruction, stages, buildDir))
      continue
    }
    const stage = stages.at(-1)
    if (stage === undefined) throw new Error(`${instruction.getKeyword()} before the first FROM`)
    const words = instruction.getArguments().map((argument) => argument.getValue())
    switch (instruction.getKeyword()) {
      case 'WORKDIR':
        stage.workdir = posix.resolve(stage.workdir, words[0] ?? '/')
        await mkdir(join(stage.root, stage.workdir), { recursive: true })
        break
      case 'ENV':
        for (const property of /** @type {Env} */ (instruction).getProperties()) {
          stage.env[property.getName()] = property.getValue() ?? ''
        }
        break
      case 'COPY':
        await copy(/** @type {Copy} */ (instruction), words, { stage, stages, contextDir, ignored })
        break
      case 'RUN':
        await run(stage, instruction.getArgumentsContent() ?? '')
        break
      case 'USER':
        stage.user = words[0] ?? ''
        break
      case 'EXPOSE':
        if (!words.every((word) => /^\d+$/.test(word))) throw new Error('EXPOSE wants port numbers')
        break
      case 'CMD':
        stage.command = /** @type {JSONInstruction} */ (instruction)
          .getJSONStrings()
          .map((text) => text.getJSONValue())
        break
      default:
        throw new Error(`${instruction.getKeyword()} is not covered by this check: teach it, or leave it out`)
    }
  }
  return stages
}

/**
 * @param {From} from
 * @param {readonly Stage[]} stages
 * @param {string} buildDir
 * @returns {Promise<Stage>}
 */
async function beginStage(from, stages, buildDir) {
  const name = from.getBuildStage() ?? String(stages.length)
  const root = join(buildDir, name)
  await mkdir(root, { recursive: true })
  const parent = stages.find((stage) => stage.name === from.getImage())
  if (parent === undefined) return { name, root, workdir: '/', env: {}, user: 'root', command: undefined }
  await copyTree(parent.root, root)
  return { ...parent, name, root, env: { ...parent.env } }
}

/**
 * @param {Copy} instruction
 * @param {readonly string[]} words sources and destination
 * @param {{ stage: Stage, stages: readonly Stage[], contextDir: string, ignored: import('@balena/dockerignore').Ignore }} build
 */
async function copy(instruction, words, { stage, stages, contextDir, ignored }) {
  const fromName = instruction.getFromFlag()?.getValue()
  const origin = stages.find(({ name }) => name === fromName)
  if (fromName && origin === undefined)
    throw new Error(`COPY --from=${fromName}: there is no such stage above`)
  const base = origin?.root ?? contextDir
  const destination = words.at(-1) ?? ''
  const sources = words.slice(0, -1)
  const target = join(stage.root, posix.resolve(stage.workdir, destination))
  for (const source of sources) {
    const path = join(base, source)
    const isKept = (/** @type {string} */ file) => {
      const inContext = relative(contextDir, file)
      return origin !== undefined || inContext === '' || !ignored.ignores(inContext)
    }
    if (!isKept(path)) throw new Error(`COPY ${source}: .dockerignore keeps it out of the build`)
    // Docker copies what is in a folder, but a file as a file.
    const intoFolder = sources.length > 1 || destination.endsWith('/') || (await isFolder(target))
    if (await isFolder(path)) await copyTree(path, target, isKept)
    else await copyTree(path, intoFolder ? join(target, basename(source)) : target)
  }
}

/**
 * @param {string} from
 * @param {string} to
 * @param {(path: string) => boolean} [filter]
 */
async function copyTree(from, to, filter = () => true) {
  await cp(from, to, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE, filter })
}

/** @param {string} path */
async function isFolder(path) {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/**
 * @param {Stage} stage
 * @param {string} command
 */
async function run(stage, command) {
  const { PATH, HOME } = process.env
  // npm's own settings are those of this machine (a mirror, say); the environment is otherwise the image's.
  const npmSettings = Object.entries(process.env).filter(([name]) =>
    /^npm_config_(registry|cafile|proxy|https_proxy)$/i.test(name),
  )
  const code = await new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
      cwd: join(stage.root, stage.workdir),
      env: { PATH, HOME, ...Object.fromEntries(npmSettings), ...stage.env },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0) throw new Error(`RUN ${command} ended with ${code}`)
}
