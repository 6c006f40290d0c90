import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    globalSetup: ['__test__/support/seed.ts', '__test__/support/dynamodb-local.ts'],
    setupFiles: ['__test__/support/property-seed.ts'],
    // A native addon is loaded once a process, and its threads do not like vitest's worker threads.
    pool: 'forks',
    // DynamoDB Local and two cores are shared by all files.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
