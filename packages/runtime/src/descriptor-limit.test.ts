import { execFileSync } from 'node:child_process'
import { descriptorLimit } from './descriptor-limit.ts'

it('is the limit of the shell that started the process', () => {
  const limit = execFileSync('sh', ['-c', 'ulimit -H -n'], { encoding: 'utf8' }).trim()
  expect(descriptorLimit()).toBe(limit === 'unlimited' ? undefined : Number(limit))
})
