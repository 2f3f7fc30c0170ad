import { createLogger } from './logger.ts'

test('an error was logged whole, with the password that its command held', () => {
  const lines: string[] = []
  const logger = createLogger({
    service: 'test',
    level: 'debug',
    destination: { write: (line) => lines.push(line) },
  })
  const refused = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
    name: 'ReplyError',
    code: 'WRONGPASS',
    command: { name: 'auth', args: ['default', 'the-password'] },
  })
  logger.error({ err: new Error('cannot be reached', { cause: refused }) }, 'failed')
  expect(lines.join('')).not.toContain('the-password')
  expect(JSON.parse(String(lines[0])).err).toMatchObject({
    type: 'Error',
    message: 'cannot be reached',
    stack: expect.stringContaining('logger.test'),
    cause: { type: 'ReplyError', code: 'WRONGPASS', message: refused.message },
  })
})
