import { plays } from './failover/plays.ts'

plays([
  { by: 'cluster', fault: 'planned', replicas: 1, acks: 1 },
  { by: 'cluster', fault: 'killed', replicas: 1, acks: 1 },
  { by: 'cluster', fault: 'cut off', replicas: 1, acks: 1 },
])
