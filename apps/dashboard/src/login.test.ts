import { createLoginCheck } from './login.ts'

describe('the login check', () => {
  const isRight = createLoginCheck('admin', 'correct horse')

  it('accepts the right name and password', () => {
    expect(isRight('admin', 'correct horse')).toBe(true)
  })

  it.each([
    ['admin', ''],
    ['admin', 'correct hors'],
    ['admin', 'correct horse '],
    ['admin', 'Correct horse'],
    ['', 'correct horse'],
    ['root', 'correct horse'],
    ['correct horse', 'admin'],
    ['', ''],
  ])('refuses %j with %j', (user, password) => {
    expect(isRight(user, password)).toBe(false)
  })
})
