import { createHostCheck } from './host-check.ts'

const isOurs = (listensOn: string, host: string, ...allowedHosts: string[]) =>
  createHostCheck({ listensOn, allowedHosts })?.isOurs(host)

describe('a Host header', () => {
  it.each([
    ['127.0.0.1', 'localhost', true],
    ['127.0.0.1', 'localhost:3000', true],
    ['127.0.0.1', 'LOCALHOST:9', true],
    ['127.0.0.1', '127.0.0.1:3000', true],
    ['127.0.0.1', '[::1]:3000', true],
    ['127.0.0.1', '[::1]', true],
    ['localhost', 'localhost:3000', true],
    ['::1', '[::1]:3000', true],
    ['127.0.0.2', '127.0.0.2:3000', true],
    ['127.0.0.1', '127.0.0.2:3000', false],
    ['127.0.0.1', 'rebound.example:3000', false],
    ['127.0.0.1', 'localhost.rebound.example', false],
    ['127.0.0.1', '127.0.0.1.nip.io:3000', false],
    ['127.0.0.1', 'localhost@rebound.example', false],
    ['127.0.0.1', '', false],
    ['::1', 'rebound.example', false],
  ])('a service on %s is asked as %s: %s', (listensOn, host, ours) => {
    expect(isOurs(listensOn, host)).toBe(ours)
  })

  it.each(['0.0.0.0', '::', '10.0.0.7', 'timers.internal'])(
    'is not judged on %s, whose names are not known',
    (address) => {
      expect(createHostCheck({ listensOn: address, allowedHosts: [] })).toBeUndefined()
    },
  )

  it('may hold the names that were set, on any address', () => {
    expect(isOurs('127.0.0.1', 'timers.test:3000', 'timers.test')).toBe(true)
    expect(isOurs('0.0.0.0', 'Timers.Example', 'timers.example')).toBe(true)
    expect(isOurs('0.0.0.0', 'localhost:3000', 'timers.example')).toBe(true)
    expect(isOurs('0.0.0.0', 'rebound.example', 'timers.example')).toBe(false)
  })

  it('is told which names there are', () => {
    expect(createHostCheck({ listensOn: '127.0.0.1', allowedHosts: ['a.example'] })?.names).toEqual([
      'localhost',
      '127.0.0.1',
      '[::1]',
      'a.example',
    ])
  })
})
