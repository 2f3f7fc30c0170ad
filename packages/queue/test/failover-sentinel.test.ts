import { plays } from './failover/plays.ts'

/**
 * Each waits for some ten seconds until Sentinels make a replica of the old primary. These two lose most without acks, and without
 * their guard.
 */
plays([
  { by: 'sentinel', fault: 'planned', replicas: 1, acks: 1 },
  { by: 'sentinel', fault: 'cut off', replicas: 2, acks: 2 },
])
