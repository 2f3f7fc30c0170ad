import type { Cost } from '../cost.ts'
import type { IdleCost, ScaleFigures, TopologyCost } from './scale-figures.ts'
import { unitCostsOf } from './unit-costs.ts'

const cost = (redisUs: number): Cost => ({
  redisUs,
  replicaUs: 10,
  apiUs: 50,
  workerUs: 200,
  benchUs: 0,
  commands: 5,
  wireBytes: 1_000,
  httpBytes: 500,
  replicationBytes: 400,
  diskBytes: 450,
  logBytes: 100,
  perSecond: 1_000,
})
const topology = (createUs: number, fireUs: number): TopologyCost => ({
  create: cost(createUs),
  fire: cost(fireUs),
  steadyFire: cost(fireUs),
  steadyP99Ms: 5,
  firedBytes: 730,
})
const idle = (shards: number): IdleCost => ({
  shards,
  workerUs: 10_000 + 100 * shards,
  redisUs: 1_000 + 20 * shards,
  commands: 10 * shards,
})
const FIGURES: ScaleFigures = {
  machine: {
    processor: 'any',
    cores: 2,
    memoryGiB: 8,
    system: 'linux x64',
    node: '20',
    redis: '7',
    fileSystem: 'ext4',
    fsyncMs: 1,
  },
  date: '2026-11-21',
  repeats: 1,
  single: topology(1, 1),
  clusters: [topology(20, 100), topology(30, 110), topology(25, 130)],
  acks: [
    { create: cost(20), fire: cost(100) },
    { create: cost(20), fire: cost(100) },
  ],
  idle: [idle(1), idle(16), idle(64)],
  bulk: {
    timers: 100_000,
    bytesEach: 500,
    moveMs: 1_200,
    longestCreateMs: 1_200,
    refusedCreates: 0,
    resyncMs: 500,
    rewriteUs: 100_000,
    forkUs: 2_000,
    copiedBytes: 0,
  },
}

test('each cost is that of the dearest number of primaries', () => {
  expect(unitCostsOf(FIGURES)).toMatchObject({ createRedisUs: 30, fireRedisUs: 130 })
})

test('what looking costs is counted for each shard, without what a process costs in any case', () => {
  const { idleProcessUs, idleRedisUs } = unitCostsOf(FIGURES)
  expect(idleProcessUs).toBeCloseTo(100, 6)
  expect(idleRedisUs).toBeCloseTo(20, 6)
})

test('a whole life is a create and a fire', () => {
  expect(unitCostsOf(FIGURES)).toMatchObject({ diskBytes: 900, replicationBytes: 800 })
})

test('what was measured of many is told of one', () => {
  const { moveMs, forkMsPerGiB } = unitCostsOf(FIGURES)
  expect(moveMs).toBeCloseTo(0.012, 6)
  expect(forkMsPerGiB).toBeCloseTo((2 / 50_000_000) * 2 ** 30, 6)
})

test('what was never measured makes no plan', () => {
  expect(() => unitCostsOf({ ...FIGURES, acks: [] })).toThrow('acks')
  expect(() => unitCostsOf({ ...FIGURES, idle: [idle(1)] })).toThrow('idle')
})
