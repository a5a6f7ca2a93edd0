import { expect, test } from "vitest";
import { startProcess } from "../../support/processes.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
/** Another one with every run; told in the message of a failure. */
const SEED = Date.now() % 1_000_000;
const MOST_MEGABYTES = 300;

/** A part of it with every `npm test`; all of it by `npm run test:fuzz`. */
const isFull = process.env["FUZZ"] === "full";

test.each(
  [
    ["hostileNodes", 10_000, 100_000],
    ["cloudAnswers", 2000, 10_000],
    ["apiUrls", 2000, 10_000],
    ["ledgerBytes", 2000, 20_000],
    ["redisValues", 5000, 100_000],
    ["queueValues", 5000, 100_000],
  ].map(([part, few, all]) => [part, isFull ? all : few] as [string, number]),
)(
  "%s: %i of them, and no crash, no wrong reboot, no more than 300 MB",
  async (part, cases) => {
    await using child = startProcess({
      name: part,
      script: "test/integration/fuzz/fuzz.ts",
      args: [part, String(SEED), String(cases)],
      // A small young generation: what lives is to be measured, not what nobody has collected yet.
      env: { REDIS_URL: redis.url(), NODE_OPTIONS: "--max-semi-space-size=8" },
    });
    const { code } = await child.exited;
    const told = `${part}, seed ${SEED}: ${child.lines.join("\n")}${child.stderr()}`;
    expect(code, told).toBe(0);
    const report = JSON.parse(child.lines.at(-1) ?? "") as { wrong: string[]; megabytes: number };
    expect(report.wrong, told).toEqual([]);
    expect(report.megabytes, told).toBeLessThan(MOST_MEGABYTES);
  },
  900_000,
);
