/** What `work` comes to; rejects with `late` where it takes longer. Keeps no process alive. */
export async function inTime<T>(work: Promise<T>, withinMs: number, late: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late)), withinMs)
    timer.unref()
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
