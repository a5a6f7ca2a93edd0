import { expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { explain } from "@node-agent/shared/core/explain.ts";
import { fleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { explanationText } from "../../../packages/cli/src/explain-text.ts";
import { paletteFor } from "../../../packages/cli/src/text.ts";
import { ACTIVE, Timeline } from "../core/timeline.ts";

const rules = { policy: ACTIVE, checkers: createCheckers(ACTIVE) };

/** What `explain` says of the node as it reads now, after the life that its record had. */
function explained(life: Timeline, node: NodeBuilder) {
  const explanation = explain({
    name: "node-1",
    rules,
    now: life.now,
    observed: life.observed,
    viewAge: 0,
    record: life.record,
    damaged: false,
    node: { state: "Found", snapshot: node.uid("uid-1").snapshot() },
    fleet: { state: "Seen", health: fleetHealth([]), lookedAfter: true },
    ledger: { state: "Unread", why: "not asked" },
    hosting: { state: "Unread", why: "not asked" },
  });
  return { explanation, text: explanationText(explanation, paletteFor(false)) };
}

test("a failure names when it began, and what is left of earlier ones", () => {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  life.pass(4 * MINUTE).judge();
  life.pass(MINUTE).judge({ NodeReady: "Fail" });
  life.pass(MINUTE);
  const { explanation, text } = explained(life, aNode().notReady());
  expect(explanation.failing).toMatchObject([
    { checker: "NodeReady", since: life.now - MINUTE, ran: 4 * MINUTE, carried: 3 * MINUTE },
  ]);
  expect(text).toMatch(
    /since .+ \(1m ago\), observed for 4m, 3m of it left from earlier failures; reboot after 5m/u,
  );
  expect(explanation.gates.find(({ gate }) => gate === "Threshold")).toMatchObject({
    answer: "Holds",
    until: life.now + MINUTE,
  });
});

test("flaps are counted, and a node that flaps says since when", () => {
  const life = new Timeline();
  for (let i = 0; i < 5; i += 1) {
    life.judge({ NodeReady: "Fail" });
    life.pass(MINUTE).judge();
    life.pass(2 * MINUTE);
  }
  const { explanation, text } = explained(life, aNode());
  expect(explanation.flaps).toEqual([
    { checker: "NodeReady", count: 5, threshold: 5, flappingSince: life.now - 2 * MINUTE },
  ]);
  expect(text).toMatch(
    /^Flaps +NodeReady: 5 from Fail to Pass within the hour, flapping since .+ \(flapping from 5\)$/mu,
  );
});

test("a repaired node says until when it must stay healthy to count as cured", () => {
  const life = new Timeline();
  life.node = { ...life.node, providerId: "civo://vm-a", bootId: "boot-1" };
  life.judge({ NodeReady: "Fail" });
  life.pass(5 * MINUTE).reboot();
  life.pass(2 * MINUTE).judge();
  life.pass(10 * MINUTE);
  const node = aNode().providerId("civo://vm-a").bootId("boot-1");
  const { explanation, text } = explained(life, node);
  expect(explanation.curedIn).toBe(20 * MINUTE);
  expect(text).toMatch(
    /^Cure +if it stays healthy until .+; a failure before that continues the incident \(3 attempts\)$/mu,
  );
});

test("a node without flaps or repairs says nothing of either", () => {
  const life = new Timeline();
  life.judge();
  const { explanation, text } = explained(life, aNode());
  expect(explanation.flaps).toEqual([]);
  expect(explanation).not.toHaveProperty("curedIn");
  expect(text).not.toMatch(/^(?:Flaps|Cure) /mu);
});
