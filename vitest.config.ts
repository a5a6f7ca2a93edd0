import { defineConfig } from "vitest/config";

const setupFiles = ["test/support/fail-on-console.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          setupFiles,
          // Property tests take a second alone and many on a machine that does other things: time is no verdict.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: "model", include: ["test/model/**/*.test.ts"], setupFiles, testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          setupFiles,
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "chaos",
          include: ["test/chaos/{chaos,demands,oracle}.test.ts"],
          setupFiles,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          // A thousand pending reboots among real processes, and workers without their guards: too long for every change.
          name: "backlog",
          include: ["test/chaos/{backlog,dashboard,pause,sabotage}.test.ts"],
          setupFiles,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          setupFiles,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          setupFiles,
          fileParallelism: false,
          testTimeout: 300_000,
        },
      },
    ],
  },
});
