import { defineConfig } from 'vitest/config';

// Faults are made by signals, other brokers are programs, the App meets none: one in a container adds nothing but time.
const onLoopback = ['tests/faults/**', 'tests/brokers/**', 'tests/app/**'];

// Three projects: `suite` is what `make test` runs; `container` needs a Docker engine and fails without one, `installed`
// the npm registry, where other versions of Node come from.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 4, // most of a test's time is a collection that waits
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'suite',
          include: ['tests/**/*.test.ts'],
          exclude: [
            'tests/container/**',
            'tests/installed/**',
            ...(process.env.MQTT_TEST_BROKER === 'container' ? onLoopback : []),
          ],
          globalSetup: ['tests/support/global-setup.ts'],
          setupFiles: ['tests/support/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'installed',
          include: ['tests/installed/**/*.test.ts'],
          maxWorkers: 1, // the first file that runs fetches the Nodes
          hookTimeout: 240_000,
          globalSetup: ['tests/support/global-setup.ts'],
          setupFiles: ['tests/support/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'container',
          include: ['tests/container/**/*.test.ts'],
          maxWorkers: 1, // each file builds the image: the second finds it built
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
