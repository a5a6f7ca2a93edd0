import { describe, expect, test } from "vitest";
import { ageOf } from "@node-agent/shared/ports/clock.ts";
import { KubernetesApiError } from "@node-agent/kubernetes";
import { nodeList } from "./support/fake-api.ts";
import { observedSource, type ObservedSource } from "./support/observed-source.ts";
import { rawNode } from "./support/raw-node.ts";

const SECOND = 1000;
const nodes = [rawNode("a", { version: 8 }), rawNode("b", { version: 9 })];

/** A source whose watch has reached version 20 and falls silent; leases move the server's version on. */
async function quiet(items: readonly unknown[], known: readonly unknown[] = nodes): Promise<ObservedSource> {
  const observed = observedSource({ random: () => 0.5 });
  observed.api.onList(() => nodeList(20, known));
  await observed.start();
  let version = 20;
  observed.api.onProbe(() => (version += 7));
  observed.api.onQuiet(() => items);
  return observed;
}

const age = ({ source, clock }: ObservedSource): number => ageOf(source.freshness().lastByte!, clock);

describe("a probe of a quiet watch is sight when it proves that nothing was missed", () => {
  test("the view is never older than two probes, for as long as nothing happens", async () => {
    const observed = await quiet(nodes);
    let oldest = 0;
    for (let second = 0; second < 300; second += 1) {
      if (second % 60 === 59) observed.api.stream().bookmark(20);
      await observed.clock.advance(SECOND);
      oldest = Math.max(oldest, age(observed));
    }
    expect(oldest).toBeLessThanOrEqual(15 * SECOND);
    expect(observed.api.lists).toHaveLength(1);
  });

  test("as fresh as the moment before the question, not that of the answer", async () => {
    const observed = await quiet(nodes);
    observed.api.onProbe(async () => {
      await observed.clock.sleep(7 * SECOND);
      return 30;
    });
    await observed.clock.advance(17 * SECOND);
    expect(age(observed)).toBe(7 * SECOND);
  });

  test("nodes of others count as well, up to the version that the watch has reached", async () => {
    const observed = await quiet([...nodes, rawNode("of-another-pool", { version: 20 })]);
    await observed.clock.advance(10 * SECOND);
    expect(age(observed)).toBe(0);
  });

  test.each([
    ["a node changed", [nodes[0], rawNode("b", { version: 21 })]],
    ["a node changed in a history that overtook ours", [nodes[0], rawNode("b", { version: 7 })]],
    ["a node changed and the watch passed over it", [nodes[0], rawNode("b", { version: 19 })]],
    ["a node is new", [...nodes, rawNode("c", { version: 21 })]],
    ["a node is gone", [nodes[0]]],
    ["a node has no version", [...nodes, { metadata: { name: "c" } }]],
  ])("no sight: %s", async (_, items) => {
    const observed = await quiet(items);
    await observed.clock.advance(60 * SECOND);
    expect(age(observed)).toBe(60 * SECOND);
  });

  test("no sight: there are more nodes than the answer holds", async () => {
    const observed = await quiet(nodes);
    observed.api.onToken("more");
    await observed.clock.advance(60 * SECOND);
    expect(age(observed)).toBe(60 * SECOND);
  });

  test("no sight: the server is behind the view", async () => {
    const observed = await quiet(nodes);
    observed.api.onList(() => {
      throw new KubernetesApiError("ConnectionLost", "no list either");
    });
    observed.api.onProbe(() => 10);
    await observed.clock.advance(60 * SECOND);
    expect(age(observed)).toBe(60 * SECOND);
  });

  test("no sight: no watch stands that would bring the next event", async () => {
    const observed = await quiet(nodes);
    observed.api.onWatch(() => {
      throw new KubernetesApiError("Forbidden", "403");
    });
    observed.api.stream().fail(new KubernetesApiError("ConnectionLost", "reset"));
    await observed.clock.advance(60 * SECOND);
    expect(age(observed)).toBe(60 * SECOND);
  });

  test("no sight beyond a change that no handler has been given (I-16)", async () => {
    const observed = await quiet([
      rawNode("a", { version: 22, ready: "False" }),
      rawNode("b", { version: 21, ready: "False" }),
    ]);
    observed.onHandler(() => new Promise(() => {}));
    await observed.clock.advance(5 * SECOND);
    observed.api.stream().event("MODIFIED", rawNode("b", { version: 21, ready: "False" }));
    await observed.clock.settle();
    observed.api.stream().event("MODIFIED", rawNode("a", { version: 22, ready: "False" }));
    await observed.clock.advance(40 * SECOND);
    expect(age(observed)).toBeGreaterThanOrEqual(40 * SECOND);
  });

  test("a watch that brings events, and one of a large fleet, costs one node per probe", async () => {
    const busy = await quiet(nodes);
    let asked = 0;
    busy.api.onQuiet(() => {
      asked += 1;
      return nodes;
    });
    for (let second = 0; second < 60; second += 1) {
      busy.api.stream().bookmark(20);
      await busy.clock.advance(SECOND);
    }
    const many = Array.from({ length: 501 }, (_, i) => rawNode(`n-${i}`, { version: 5 }));
    const large = await quiet(many, many);
    large.api.onQuiet(() => {
      asked += 1;
      return many;
    });
    await large.clock.advance(60 * SECOND);
    expect([busy.api.probes(), large.api.probes(), asked]).toEqual([6, 6, 0]);
  });
});
