import { loadScript } from '../timers/scripts.ts'
import {
  assertScriptsKnown,
  type BullMqScript,
  fetchScript,
  installedScripts,
  tuneScript,
} from './bullmq-scripts.ts'

const LIMIT = '"LIMIT", 0, 1000)'
const CHOICE = `rcall("ZRANGEBYSCORE", delayedKey, 0, (timestamp + 1) * 0x1000 - 1, ${LIMIT}`
const promotion = loadScript('includes/promotion')
const textOf = (name: string): string =>
  installedScripts.find((script) => script.name === name)?.content ?? ''

/** The installed scripts with one of them worded differently. */
const reworded = (name: string, change: (lua: string) => string): BullMqScript[] =>
  installedScripts.map((script) =>
    script.name === name ? { ...script, content: change(script.content) } : { ...script },
  )

describe('the scripts of a worker', () => {
  test.each(['moveToActive', 'moveToFinished', 'moveToDelayed', 'retryJob'])(
    'a burst does not wait for a thousand promotions: %s chooses a few, and nothing else of it is changed',
    (name) => {
      const tuned = tuneScript(`${name}:6.7.0`, textOf(name), '7.0.15')
      expect(tuned).not.toContain(LIMIT)
      expect(tuned.replace('jobsToPromote(delayedKey, targetKey, timestamp)', CHOICE)).toBe(
        `#!lua flags=allow-oom\n${textOf(name).replace('local function promote', `${promotion}local function promote`)}`,
      )
    },
  )

  test.each(['7.0.15', '7.2.4', '8.0.2'])('may write when memory is used up on %s', (redisVersion) => {
    expect(tuneScript('timersClaim', 'return 1', redisVersion)).toBe('#!lua flags=allow-oom\nreturn 1')
  })

  test('compile on a Redis that knows no flags', () => {
    expect(tuneScript('timersClaim', 'return 1', '6.2.14')).toBe('return 1')
  })

  test('are those that are installed', () => {
    expect(() => assertScriptsKnown()).not.toThrow()
  })

  test.each<[string, string, (lua: string) => string]>([
    ['the limit is worded differently', 'moveToActive', (lua) => lua.replace(LIMIT, '"LIMIT", 0, 500)')],
    ['a second one came', 'moveToFinished', (lua) => `${lua}-- ${CHOICE}`],
    [
      'promotion is called differently',
      'retryJob',
      (lua) => lua.replaceAll('promoteDelayedJobs', 'promoteDue'),
    ],
    ['another script promotes, too', 'moveStalledJobsToWait', (lua) => `${lua}-- ${CHOICE}`],
  ])(
    'a BullMQ that our changes do not fit stops the process, naming both versions: %s',
    (_, name, change) => {
      const start = () => assertScriptsKnown(reworded(name, change), '6.8.0')
      expect(start).toThrow(new RegExp(`^BullMQ's script ${name} holds .* times, not [01]\\.`))
      expect(start).toThrow(/Installed is bullmq 6\.8\.0; its scripts are known for 6\.7\.0\./)
      expect(() => tuneScript(`${name}:6.8.0`, change(textOf(name)), '7.0.15')).toThrow(/bullmq 6\.8\.0/)
    },
  )

  test('a BullMQ without a script that promotes stops the process', () => {
    const rest = installedScripts.filter(({ name }) => name !== 'retryJob')
    expect(() => assertScriptsKnown(rest, '7.0.0')).toThrow(/^BullMQ's script retryJob is missing\./)
  })

  test('the fetch that is a part of our commands reads its options as JSON, and is no different else', () => {
    const { content } = fetchScript()
    expect(content).not.toBe(textOf('moveToActive'))
    expect(content.replace('cjson.decode(ARGV[3])', 'cmsgpack.unpack(ARGV[3])')).toBe(textOf('moveToActive'))
  })

  test('a fetch that reads its options in another way stops the process', () => {
    const other = reworded('moveToActive', (lua) => lua.replace('cmsgpack.unpack', 'unpack'))
    expect(() => assertScriptsKnown(other, '6.8.0')).toThrow(
      /^BullMQ's script moveToActive holds .* 0 times, not 1\. Installed is bullmq 6\.8\.0;/,
    )
  })
})
