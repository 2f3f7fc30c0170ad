/**
 * One project a kind of test, so that `npm test -- --selectProjects unit` works.
 * Sources are compiled by SWC as they are; workspace packages resolve to their sources by the condition
 * `@timers/source`, so unit and integration tests need no build. End-to-end tests run the built processes.
 */
const shared = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@timers/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['/dist/'],
}

/**
 * Tests that ask how late timers are, how soon other processes answer or recover, or race them against one another to the
 * millisecond: they run alone, after all others, so that they measure the service and not what else the machine does. And one
 * that is work for all processors for a minute, and would make others late.
 */
const ALONE = [
  'apps/worker/test/after-a-hiccup',
  'apps/worker/test/names-silent',
  'apps/worker/test/newcomer-beside-silent',
  'apps/worker/test/silent-receivers',
  'apps/worker/test/slow-receiver',
  'packages/e2e/test/cancel-race',
  'packages/e2e/test/change-race',
  'packages/e2e/test/chaos',
  'packages/e2e/test/chaos-cluster',
  'packages/e2e/test/key-race',
  'packages/e2e/test/redis-away',
  'packages/e2e/test/redis-killed',
  'packages/e2e/test/worker-killed',
  'packages/queue/test/cluster-failover',
  'packages/queue/test/cluster-part-away',
  'packages/queue/test/cluster-slots',
  'packages/queue/test/failover-cluster',
  'packages/queue/test/failover-sentinel',
  'packages/queue/test/moved-earlier',
  'packages/queue/test/retention',
]
const others = {
  ...shared,
  // To the end of the name: a file whose name only begins so would be in no project.
  testPathIgnorePatterns: ['/node_modules/', ...ALONE.map((path) => `/${path}\\.test\\.ts$`)],
}

export default {
  // Nothing is promised by it: a machine may be busy with something else.
  testTimeout: 60_000,
  // End-to-end tests run several processes each: more at a time only slow each other down.
  maxWorkers: 2,
  projects: [
    { ...others, displayName: 'unit', testMatch: ['<rootDir>/{apps,packages}/*/src/**/*.test.ts'] },
    {
      ...others,
      displayName: 'integration',
      testMatch: [
        '<rootDir>/{apps,packages}/!(e2e)/test/**/*.test.ts',
        '<rootDir>/scripts/test/**/*.test.ts',
      ],
    },
    { ...others, displayName: 'e2e', testMatch: ['<rootDir>/packages/e2e/test/**/*.test.ts'] },
    { ...shared, displayName: 'alone', testMatch: ALONE.map((path) => `<rootDir>/${path}.test.ts`) },
    // Not part of `npm test`: `npm run failover`.
    {
      ...shared,
      displayName: 'failover',
      testMatch: ['<rootDir>/packages/queue/test/failover/matrix.ts'],
    },
  ],
}
