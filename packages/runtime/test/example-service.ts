/**
 * A process whose service behaves as its environment says and as it is told on standard input; it tells what happens
 * to it, a line each.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { bootstrap, runService } from '../src/lifecycle.ts'
import { createLogger } from '../src/logger.ts'
import { SettingsError } from '../src/settings-error.ts'

const { START = 'ok', STOP = 'ok', MAIN = 'ok' } = process.env
const tell = (line: string) => process.stdout.write(`${line}\n`)
const never = new Promise<never>(() => {})

await bootstrap(async () => {
  if (MAIN === 'wrong settings') throw new SettingsError(['PORT must be a whole number'])
  if (MAIN === 'bug') throw new TypeError('a bug in main')
  let cutShort = () => {}
  let lose = (_: Error) => {}
  const failed = new Promise<Error>((resolve) => {
    lose = resolve
  })
  setInterval(() => {}, 60_000)
  const told = createInterface({ input: process.stdin })
  told.on('line', (line) => {
    tell(`told: ${line}`)
    if (line === 'fail') lose(new Error('the wrong Redis'))
    if (line === 'throw') void Promise.reject(new Error('a bug in a callback'))
    told.emit(line)
  })

  const service = {
    failed,
    async start() {
      tell('starting')
      if (START === 'throw') throw new Error('no port')
      if (START === 'wrong settings') throw new SettingsError(['PORT 80 is taken'])
      if (START === 'wait') {
        await new Promise((_, reject) => {
          cutShort = () => reject(new Error('cut short'))
        })
      }
      tell('started')
    },
    async stop() {
      tell('stop begins')
      cutShort()
      if (STOP === 'throw') throw new Error('could not close')
      if (STOP === 'hang') await never
      if (STOP === 'when told') await once(told, 'finish')
      tell('stop ends')
    },
  }
  await runService(service, {
    logger: createLogger({ service: 'example', level: 'info' }),
    shutdownTimeoutMs: STOP === 'hang' ? 200 : 20_000,
  })
})
