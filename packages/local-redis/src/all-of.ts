/** All of them, or the first error when every one has come to its end: so that nothing starts behind one's back. */
export async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
