/** The most shards that timers are spread over: `TIMER_SHARDS`, and `npm run shards -- --grow`. */
export const MOST_SHARDS = 1_024
