import { plays } from './failover/plays.ts'

plays([
  { by: 'sentinel', fault: 'planned', replicas: 1, acks: 1 },
  { by: 'sentinel', fault: 'killed', replicas: 1, acks: 1 },
  { by: 'sentinel', fault: 'cut off', replicas: 2, acks: 2 },
])
