import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** A running example service and every line it has written. */
class Example {
  readonly lines: string[] = []
  readonly ended: Promise<number | string | null>
  readonly #child: ChildProcess
  #changed: () => void = () => {}

  constructor(env: Record<string, string>) {
    this.#child = spawn(
      process.execPath,
      ['--import', file('./typescript-loader.mjs'), file('./example-service.ts')],
      { env: { PATH: process.env.PATH, ...env }, stdio: ['pipe', 'pipe', 'pipe', 'ipc'] },
    )
    // Not the child's 'close': it does not come after a disconnect.
    const exited = new Promise<number | string | null>((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(code ?? signal))
    })
    const read = [this.#child.stdout, this.#child.stderr].map(async (stream) => {
      for await (const line of createInterface({ input: stream as Readable })) {
        this.lines.push(line)
        this.#changed()
      }
    })
    this.ended = Promise.all([exited, ...read]).then(([code]) => {
      this.#changed()
      return code
    })
  }

  get output(): string {
    return this.lines.join('\n')
  }

  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.#child.exitCode !== null) throw new Error(`ended without saying "${text}":\n${this.output}`)
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  loseParent(): void {
    this.#child.disconnect()
  }

  count(line: string): number {
    return this.lines.filter((other) => other === line).length
  }
}

describe('runService', () => {
  let example: Example

  async function run(env: Record<string, string> = {}, until = 'started'): Promise<Example> {
    example = new Example(env)
    await example.says(until)
    return example
  }

  afterEach(async () => {
    example.signal('SIGKILL')
    await example.ended
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s: stops in order and exits with 0', async (signal) => {
    const { ended, lines } = await run()
    example.signal(signal)
    expect(await ended).toBe(0)
    expect(lines).toContain('stop ends')
  })

  test('a start that fails: stops and exits with 1', async () => {
    const { ended } = await run({ START: 'throw' }, 'starting')
    expect(await ended).toBe(1)
    expect(example.output).toMatch(/no port/)
    expect(example.lines).toContain('stop ends')
  })

  test('a wrong setting found at start is told in words, without a stack trace', async () => {
    const { ended } = await run({ START: 'wrong settings' }, 'starting')
    expect(await ended).toBe(1)
    expect(example.output).toMatch(/wrong settings:.*PORT 80 is taken/)
    expect(example.output).not.toContain('lifecycle.ts')
  })

  test('a service that finds that it cannot go on: stops and exits with 1', async () => {
    const { ended } = await run()
    example.tell('fail')
    expect(await ended).toBe(1)
    expect(example.output).toMatch(/the wrong Redis/)
    expect(example.lines).toContain('stop ends')
  })

  test('an error that nobody caught: stops and exits with 1', async () => {
    const { ended } = await run()
    example.tell('throw')
    expect(await ended).toBe(1)
    expect(example.output).toMatch(/a bug in a callback/)
    expect(example.lines).toContain('stop ends')
  })

  test('a stop that throws: exits with 1', async () => {
    const { ended } = await run({ STOP: 'throw' })
    example.signal('SIGTERM')
    expect(await ended).toBe(1)
  })

  test('a stop that takes too long: exits with 1 and says so', async () => {
    const { ended } = await run({ STOP: 'hang' })
    example.signal('SIGTERM')
    expect(await ended).toBe(1)
    expect(example.output).toMatch(/stopping took too long/)
  })

  test('a second signal exits at once', async () => {
    const { ended } = await run({ STOP: 'when told' })
    example.signal('SIGTERM')
    await example.says('stop begins')
    example.signal('SIGINT')
    expect(await ended).toBe(1)
    expect(example.output).toMatch(/second signal/)
    expect(example.lines).not.toContain('stop ends')
  })

  test('a parent that is gone stops it, exit code 0', async () => {
    const { ended } = await run({ TIMERS_PARENT_IPC: '1' })
    example.loseParent()
    expect(await ended).toBe(0)
    expect(example.lines).toContain('stop ends')
  })

  test('a parent that is gone means nothing where it was not asked for', async () => {
    const { ended } = await run({ STOP: 'when told' })
    example.loseParent()
    example.signal('SIGTERM')
    await example.says('"signal":"SIGTERM"')
    example.tell('finish')
    expect(await ended).toBe(0)
    expect(example.count('stop begins')).toBe(1)
  })

  test('a parent that goes while the service stops did run the stop a second time', async () => {
    const { ended } = await run({ STOP: 'when told', TIMERS_PARENT_IPC: '1' })
    example.signal('SIGTERM')
    await example.says('stop begins')
    example.loseParent()
    example.tell('fail')
    await example.says('the wrong Redis')
    expect(example.count('stop begins')).toBe(1)
    example.tell('finish')
    expect(await ended).toBe(1)
    expect(example.count('stop begins')).toBe(1)
  })

  test('SIGTERM while it still waited to start was reported as a fault, exit code 1', async () => {
    const { ended } = await run({ START: 'wait' }, 'starting')
    example.signal('SIGTERM')
    expect(await ended).toBe(0)
    expect(example.output).not.toContain('cut short')
  })
})

describe('bootstrap', () => {
  test.each([
    ['wrong settings', /^wrong settings:\n {2}- PORT must be a whole number$/],
    ['bug', /^TypeError: a bug in main\n {4}at .*example-service/],
  ])('%s: exit code 1', async (main, output) => {
    const example = new Example({ MAIN: main })
    expect(await example.ended).toBe(1)
    expect(example.output).toMatch(output)
  })
})
