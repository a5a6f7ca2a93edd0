import { describe, expect, test } from "vitest";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { runCli } from "../../../packages/cli/src/run.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";

async function cli(
  line: string,
  files: Readonly<Record<string, string>> = {},
  env: Record<string, string> = {},
) {
  const written = { out: "", err: "" };
  const code = await runCli(
    line.split(" ").filter((word) => word !== ""),
    {
      env,
      out: (text) => void (written.out += text),
      err: (text) => void (written.err += text),
      isTty: false,
      clock: new ManualClock(),
      readFile: (path) => {
        const content = files[path];
        if (content === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
        return content;
      },
      who: "ann@desk",
    },
  );
  return { code, ...written };
}

describe("the command line", () => {
  test("prints its version and its help as data", async () => {
    expect(await cli("--version")).toEqual({ code: 0, out: `${VERSION}\n`, err: "" });
    const help = await cli("--help");
    expect(help).toMatchObject({ code: 0, err: "" });
    for (const command of ["explain", "status", "pause", "resume", "ledger"])
      expect(help.out).toContain(`  ${command} `);
  });

  test.each([
    "explain",
    "status",
    "pause",
    "resume",
    "ledger init",
    "ledger show",
    "ledger trust",
    "grant",
    "revoke",
  ])("helps with %s and shows the flags that every command takes", async (command) => {
    const help = await cli(`${command} --help`);
    expect(help).toMatchObject({ code: 0, err: "" });
    for (const flag of ["--output", "--config", "--kubeconfig", "--context", "--cluster", "--no-color"])
      expect(help.out).toContain(flag);
  });

  test.each([
    ["", "Usage: node-agent"],
    ["ledger", "Usage: node-agent ledger"],
    ["explain", "missing required argument 'node'"],
    ["explain a b", "too many arguments"],
    ["explain Not_A_Node", "expected the name of a node"],
    ["explain ..", "expected the name of a node"],
    ["pause", "required option '--reason <text>' not specified"],
    ["pause --reason x --pool a --node b", "cannot be used with"],
    ["pause --reason x --for 31d", "expected --for to be a span of at most"],
    ["pause --reason x --pool a,b", "expected the id of a node pool"],
    ["resume --node b --pool a", "cannot be used with"],
    ["grant", "required option '--reason <text>' not specified"],
    ["grant --reason x --for 0s", "expected --for to be a span of at most 24h"],
    ["grant --reason x --for 25h", "expected --for to be a span of at most 24h"],
    ["grant --reason x --for soon", "expected --for to be a span"],
    ["grant --reason x --count 0", "expected --count to be a number"],
    ["grant --reason x --checker Gpu", "Allowed choices are NodeReady, GPU"],
    ["grant --reason x --zone a,b", "expected the name of a zone"],
    ["ledger trust", "required option '--reason <text>' not specified"],
    ["revoke --all --zone a", "cannot be used with"],
    ["ledger grant", "was replaced by: node-agent grant --reason TEXT"],
    ["exlpain node-1", "Did you mean explain?"],
    ["explain node-1 -o yaml", "Allowed choices are table, json"],
    ["explain node-1 --bogus", "unknown option '--bogus'"],
    ["ledger show --config nowhere.yaml", 'nowhere.yaml": no such file'],
  ])("%j is a fault of usage: exit 2, nothing on standard output", async (line, words) => {
    const run = await cli(line);
    expect(run).toMatchObject({ code: 2, out: "" });
    expect(run.err).toContain(words);
  });

  test("tells every fault of a configuration at once, and no secret", async () => {
    const files = { "agent.yaml": "maxAttempts: 0\nbogus: 1\nredis: {url: 'nonsense-hunter2'}\n" };
    const run = await cli("explain node-1 --config agent.yaml", files, {
      REDIS_PASSWORD: "hunter2 with blanks",
    });
    expect(run).toMatchObject({ code: 2, out: "" });
    for (const fault of ["3 faults", "maxAttempts", "bogus"])
      expect(run.err).toContain(fault.replace("3", "4"));
    expect(run.err).not.toContain("hunter2");
  });

  test("asks for no key of a cloud, which it never calls", async () => {
    const files = { "agent.yaml": "monitorOnly: false\ncluster: demo\nkubeconfig: nowhere\n" };
    const run = await cli("ledger show --config agent.yaml", files);
    expect(run.err).not.toContain("CIVO");
    expect(run.err).toContain("nowhere");
  });
});
