import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [process.env.MARLINE_SHOTS ? 'e2e/**/*.shots.ts' : 'e2e/**/*.e2e.ts'],
    environment: 'node',
    // What is waited for comes in a moment, and on a machine that is busy with other things a while later.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    // One browser and one board at a time: two cores are what there is.
    fileParallelism: false,
  },
});
