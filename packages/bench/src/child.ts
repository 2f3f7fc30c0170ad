import { fork } from 'node:child_process'
import { endWithThisProcess } from '@timers/local-redis'

/** A process of the bench's own: the receiver, a load generator, a reference. It answers questions. */
export interface Child {
  readonly pid: number
  ask<Answer>(command: string, argument?: unknown): Promise<Answer>
  stop(): Promise<void>
}

interface Question {
  readonly id: number
  readonly command: string
  readonly argument: unknown
}

interface Reply {
  readonly id: number
  readonly answer?: unknown
  readonly error?: string
}

interface Asker {
  resolve(answer: unknown): void
  reject(error: Error): void
}

/** Starts `processes/<name>.js`. It ends with this process at the latest. */
export function startChild(name: string): Child {
  const entry = new URL(`./processes/${name}.js`, import.meta.url)
  const child = fork(entry, { serialization: 'advanced', execArgv: [] })
  endWithThisProcess(child, 'SIGKILL')
  const waiting = new Map<number, Asker>()
  let nextId = 1
  child.on('message', (message) => {
    const { id, answer, error } = message as Reply
    const asker = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asker?.resolve(answer)
    else asker?.reject(new Error(`${name}: ${error}`))
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`${name} ended with ${code ?? signal}`))
      waiting.clear()
      resolve()
    })
  })
  return {
    pid: child.pid ?? 0,
    ask: <Answer>(command: string, argument?: unknown) =>
      new Promise<Answer>((resolve, reject) => {
        const id = nextId
        nextId += 1
        waiting.set(id, { resolve: resolve as Asker['resolve'], reject })
        const question: Question = { id, command, argument }
        child.send(question)
      }),
    stop: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The other end of `startChild`: answers what the bench asks, until the bench is gone. */
export function answerQuestions(handlers: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async (message) => {
    const { id, command, argument } = message as Question
    const reply = await (async (): Promise<Reply> => {
      try {
        const handler = handlers[command]
        if (handler === undefined) throw new Error(`no such command: ${command}`)
        return { id, answer: await handler(argument as never) }
      } catch (error) {
        return { id, error: (error as Error).stack ?? String(error) }
      }
    })()
    process.send?.(reply)
  })
  process.once('disconnect', () => process.exit(0))
}
