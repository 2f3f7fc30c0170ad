import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Makes the check of a name and a password against the right ones.
 *
 * Takes the same time whatever is wrong: digests of both are compared, all bytes of both, always.
 */
export function createLoginCheck(
  user: string,
  password: string,
): (user: string, password: string) => boolean {
  const rightUser = digest(user)
  const rightPassword = digest(password)
  return (givenUser, givenPassword) => {
    const userIsRight = timingSafeEqual(digest(givenUser), rightUser)
    const passwordIsRight = timingSafeEqual(digest(givenPassword), rightPassword)
    return userIsRight && passwordIsRight
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
