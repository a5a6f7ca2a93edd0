import { describe, expect, test } from "vitest";
import { RECONCILE_ERRORS } from "@node-agent/shared/contract/metric-labels.ts";
import { CHECKER_NAMES } from "@node-agent/shared/core/check.ts";
import { CHECKER_REASONS } from "@node-agent/shared/core/checkers/registry.ts";
import { GATES } from "@node-agent/shared/core/gates/gate.ts";
import { DISTRUSTS } from "@node-agent/shared/core/ledger/trust.ts";
import { REBOOT_OUTCOMES, REBOOT_VERIFICATIONS } from "@node-agent/shared/core/record.ts";
import { BREAKER_SCOPES } from "@node-agent/shared/core/storm/breaker.ts";
import { CURE_RATES } from "@node-agent/shared/core/storm/cure-rate.ts";
import { LIMITS } from "@node-agent/shared/core/storm/limits.ts";
import { EXIT } from "@node-agent/shared/runtime/lifecycle.ts";
import { filesBelow, namesOf, tableBelow, tablesOf, textOf } from "./markdown.ts";

const DOCUMENT = "docs/errors.md";

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gmu, "");
}

function quotedIn(type: string): string[] {
  return [...type.matchAll(/"(?<word>\w+)"/gu)].map(({ groups }) => groups?.["word"] ?? "");
}

/** The members of a union of words, read from its source, since a type leaves nothing behind at run time. */
function unionIn(path: string, name: string): string[] {
  const source = withoutComments(textOf(path));
  const members = quotedIn(new RegExp(String.raw`type ${name} =([^;]+);`, "u").exec(source)?.[1] ?? "");
  if (members.length === 0) throw new Error(`${path}: expected a union of words named ${name}`);
  return members;
}

const AGENT_SOURCES = ["shared", "kubernetes", "civo", "watcher", "worker", "console"]
  .flatMap((name) => filesBelow(`packages/${name}/src`))
  .filter((path) => path.endsWith(".ts"));

/** Every `code` of every error class of the agent: a literal, a union of literals, or the name of one. */
function errorCodes(): string[] {
  return AGENT_SOURCES.flatMap((path) => {
    const source = withoutComments(textOf(path));
    const classes = [...source.matchAll(/class \w+ extends Error \{(?<body>[\s\S]*?)\n\}/gu)];
    return classes.flatMap(({ groups }) => {
      const body = groups?.["body"] ?? "";
      const declared = /readonly code(?::| =)(?<type>[^;]+);/u.exec(body)?.groups?.["type"]?.trim();
      if (declared === undefined) throw new Error(`${path}: expected each Error to have a code`);
      const words = quotedIn(declared);
      return words.length > 0 ? words : unionIn(path, declared);
    });
  });
}

const API_CODES = unionIn("packages/kubernetes/src/errors.ts", "KubernetesApiErrorCode");
const CONFIG_CODES = unionIn("packages/kubernetes/src/errors.ts", "KubernetesConfigErrorCode");
const REDIS_FAULTS = unionIn("packages/shared/src/runtime/redis-server.ts", "RedisServerFault");

describe("docs/errors.md tells exactly", () => {
  const sets: readonly (readonly [string, readonly string[]])[] = [
    ["Gates", GATES],
    ["Breakers", BREAKER_SCOPES],
    ["Limits", LIMITS],
    ["Cure rates", CURE_RATES],
    ["Distrust of the ledger", DISTRUSTS],
    ["What a reboot came to", REBOOT_VERIFICATIONS],
    ["Reboot outcomes", REBOOT_OUTCOMES],
    ["Why a VM could not be named", unionIn("packages/shared/src/ports/executor.ts", "ResolveFailure")],
    ["Civo fault classes", unionIn("packages/civo/src/fault.ts", "CivoFaultClass")],
    ...CHECKER_NAMES.map((name) => [`Reasons of ${name}`, CHECKER_REASONS[name]] as const),
    ["Reconcile errors", RECONCILE_ERRORS],
    ["Kubernetes API errors", API_CODES],
    ["Ends of a watch", unionIn("packages/kubernetes/src/reflector/source-event.ts", "EndReason")],
    ["Kubernetes configuration errors", CONFIG_CODES],
    ["Exit codes", Object.values(EXIT).map(String)],
  ];

  test.each(sets)("the words of %s, in their order", (heading, words) => {
    expect(namesOf(tableBelow(DOCUMENT, heading))).toEqual(words);
  });

  test("the codes of every error class, and the faults of a Redis server", () => {
    const documented = [
      "Kubernetes API errors",
      "Kubernetes configuration errors",
      "Civo configuration errors",
      "Redis errors",
      "Errors at the start",
    ].flatMap((heading) => namesOf(tableBelow(DOCUMENT, heading)));
    expect(documented.toSorted()).toEqual([...errorCodes(), ...REDIS_FAULTS].toSorted());
  });

  test("each word with a meaning", () => {
    for (const { heading, rows } of tablesOf(DOCUMENT))
      for (const row of rows) for (const text of row) expect(text, `${heading}: ${row[0]}`).not.toBe("");
  });
});
