/** Broken promises, one line each. Only empty lists are a flawless run. */
export interface Flaws {
  /** Acknowledged and never seen, and nothing that the API says of it excuses that; or made due again for nothing. */
  readonly lost: string[]
  /** Seen, or tried, more often than asked for: once, and once more for each redrive; or more often than there were attempts. */
  readonly doubled: string[]
  /** One id, promised to two who wanted different timers. */
  readonly shared: string[]
  /** Two timers where one was asked for: one request, one idempotency key, or one own key. */
  readonly twins: string[]
  /** Seen before it was due, or at a time that was its due time once. */
  readonly early: string[]
  /** Seen after the API had told that it is `unknown`, and nobody has asked for it to be sent again. */
  readonly late: string[]
  /** Seen late although nothing was broken any more; or later than what was broken can account for. */
  readonly slow: string[]
  /** Seen after it was cancelled, or not cancelled although that was acknowledged. */
  readonly revived: string[]
  /** Sent with content that had been replaced. */
  readonly stale: string[]
  /** Sent after it had expired. */
  readonly overstayed: string[]
  /** It came to an end, and who wanted to be called back was not. */
  readonly untold: string[]
  /** One end was told as if it had been two. */
  readonly retold: string[]
  /** A 404 for a timer that somebody had been promised before. */
  readonly denied: string[]
  /** The API, or a callback, tells something else than clients and receiver saw. */
  readonly misreported: string[]
  /** An attempt came to nothing, and nothing that was broken explains it. */
  readonly unexplained: string[]
  /** Not finished, although nothing was broken any more. */
  readonly unfinished: string[]
  /** A client was sent away although nothing was broken any more, or for no reason. */
  readonly unavailable: string[]
}

export const FLAWLESS: Flaws = {
  lost: [],
  doubled: [],
  shared: [],
  twins: [],
  early: [],
  late: [],
  slow: [],
  revived: [],
  stale: [],
  overstayed: [],
  untold: [],
  retold: [],
  denied: [],
  misreported: [],
  unexplained: [],
  unfinished: [],
  unavailable: [],
}
