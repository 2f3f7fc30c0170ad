import type { UnitCosts } from '../src/scale/unit-costs.ts'

/** Round numbers for tests. */
export const COSTS: UnitCosts = {
  createRedisUs: 25,
  createApiUs: 100,
  fireRedisUs: 100,
  fireWorkerUs: 250,
  replicationBytes: 1_750,
  diskBytes: 1_750,
  wireBytes: 2_000,
  httpBytes: 1_000,
  logBytes: 500,
  pendingBytes: 2 ** 9,
  firedBytes: 2 ** 10,
  idleProcessUs: 100,
  idleRedisUs: 10,
  moveMs: 0.01,
  resyncMs: 0.01,
  forkMsPerGiB: 10,
}
