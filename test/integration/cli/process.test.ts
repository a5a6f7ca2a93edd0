import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { ROOT, startProcess } from "../../support/processes.ts";
import { useCliWorld } from "./cli-world.ts";

const world = useCliWorld();

async function run(...args: string[]) {
  const running = startProcess({
    name: "cli",
    script: "packages/cli/src/main.ts",
    args,
    env: { USER: "ann" },
  });
  const { code } = await running.exited;
  return { code, out: running.lines.join("\n"), err: running.stderr() };
}

test("data goes to standard output, messages to standard error, the code tells how it ended", async () => {
  const config = world().config();
  const created = await run("ledger", "init", "--config", config);
  expect(created).toMatchObject({ code: 0, out: expect.stringContaining("created") });
  expect(created.err).toContain("it is believed from");
  const refused = await run("ledger", "init", "--config", config);
  expect(refused).toMatchObject({ code: 1, out: "" });
  expect(refused.err).toMatch(/^node-agent: [^\n]+\n$/u);
  expect(await run("ledger", "init", "--bogus")).toMatchObject({ code: 2, out: "" });
});

test("npm links it as node-agent", async () => {
  const { stdout } = await promisify(execFile)(join(ROOT, "node_modules/.bin/node-agent"), ["--version"], {
    env: { PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}` },
  });
  expect(stdout).toBe(`${VERSION}\n`);
});

test("a reader that has seen enough is no error", async () => {
  const args = [join(ROOT, "packages/cli/src/main.ts"), "--help"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => void (errors += chunk.toString("utf8")));
  child.stdout.destroy();
  await once(child, "close");
  expect(errors).toBe("");
});

test("a credential that is refused is told without the credential", async () => {
  const { token } = world().simulator.kubernetes;
  const next = await world().simulator.rotateToken();
  const refused = await run("ledger", "show", "--config", world().config());
  expect(refused).toMatchObject({ code: 1, out: "" });
  expect(refused.err).toContain("401");
  for (const secret of [token, next]) expect(refused.err).not.toContain(secret);
});
