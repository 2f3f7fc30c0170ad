/**
 * What a server answers, or undefined where it forbids to ask. Not of one that is busy, loading or out of memory: that says
 * nothing of what it allows.
 */
export async function unlessForbidden<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR unknown command)/i.test(error.message)) return undefined
    throw error
  }
}
