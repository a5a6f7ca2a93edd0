import fc from "fast-check";
import { expect, test } from "vitest";
import { KubernetesApiError } from "@node-agent/kubernetes";
import { nodeList } from "./support/fake-api.ts";
import { observedSource } from "./support/observed-source.ts";
import { rawNode } from "./support/raw-node.ts";

interface Stored {
  readonly uid: string;
  readonly version: number;
  readonly ready: "True" | "False";
}

type Step =
  | { readonly do: "put"; readonly name: string; readonly ready: "True" | "False"; readonly replace: boolean }
  | { readonly do: "delete"; readonly name: string }
  | { readonly do: "end" | "reset" | "expire" | "garbage" | "bookmark" | "replay" }
  | { readonly do: "handler"; readonly fails: boolean; readonly takes: number }
  | { readonly do: "wait"; readonly span: number };

const name = fc.constantFrom("a", "b", "c", "d");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      name,
      ready: fc.constantFrom("True" as const, "False" as const),
      replace: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("delete" as const), name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "end" as const,
        "reset" as const,
        "expire" as const,
        "garbage" as const,
        "bookmark" as const,
        "replay" as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("handler" as const),
      fails: fc.boolean(),
      // Below the deadline: what comes back later counts as failed, and is a call that nobody waits for.
      takes: fc.constantFrom(0, 0, 300, 5_000, 50_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), span: fc.integer({ min: 1, max: 40_000 }) }),
  },
);

/** An API server's memory: the nodes, and the history that a watch from an older version replays. */
function referenceCluster() {
  const nodes = new Map<string, Stored>();
  const history: {
    readonly version: number;
    readonly name: string;
    readonly type: string;
    readonly object: unknown;
  }[] = [];
  let version = 100;
  let oldest = 100;
  const raw = (node: string, stored: Stored): unknown => rawNode(node, stored);
  return {
    nodes,
    history,
    version: () => version,
    oldest: () => oldest,
    put: (node: string, ready: Stored["ready"], replace: boolean) => {
      version += 1;
      const before = nodes.get(node);
      const uid = before === undefined || replace ? `${node}-${version}` : before.uid;
      // A replaced machine is deleted first, as an API server has it.
      if (before !== undefined && uid !== before.uid) {
        history.push({ version, name: node, type: "DELETED", object: raw(node, { ...before, version }) });
        version += 1;
      }
      const stored = { uid, version, ready };
      nodes.set(node, stored);
      const type = before === undefined || uid !== before.uid ? "ADDED" : "MODIFIED";
      history.push({ version, name: node, type, object: raw(node, stored) });
    },
    remove: (node: string) => {
      const before = nodes.get(node);
      if (before === undefined) return;
      version += 1;
      nodes.delete(node);
      history.push({ version, name: node, type: "DELETED", object: raw(node, { ...before, version }) });
    },
    compact: () => {
      oldest = version + 1;
    },
    list: () =>
      nodeList(
        version,
        [...nodes].map(([node, stored]) => raw(node, stored)),
      ),
  };
}

test("whatever happens to events, streams, lists and handlers, the view and what was told end at the truth", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const cluster = referenceCluster();
      const { api, clock, source, start, told, snapshots, onHandler } = observedSource();
      const accepted = new Map<string, string>();
      let handler = { fails: false, takes: 0 };
      let running = 0;
      // Told at the end: what throws in a handler or in a watch is a fault that the source has to survive.
      const broken: string[] = [];
      let sent = 0;
      let listed = 0;
      onHandler(async (call) => {
        running += 1;
        if (running > 1) broken.push(`${call} while another call runs`);
        const [kind, ...about] = call.split(" ");
        const said = about.map((node) => [node, snapshots.findLast((one) => one.name === node)] as const);
        const { fails, takes } = handler;
        if (takes > 0) await clock.sleep(takes);
        running -= 1;
        if (fails) throw new Error("handler is down");
        for (const [node, snapshot] of said) {
          if (kind === "disappeared") accepted.delete(node);
          else accepted.set(node, `${snapshot?.uid} ${snapshot?.conditions[0]?.status}`);
        }
      });
      /** I-12: whatever a watch will not bring again has been accepted. */
      const checkResume = (from: number): void => {
        for (const [about, events] of Map.groupBy(cluster.history, (event) => event.name)) {
          const last = events.at(-1);
          if (last === undefined || last.version > from || last.version <= listed) continue;
          const stored = cluster.nodes.get(about);
          const state = stored === undefined ? undefined : `${stored.uid} ${stored.ready}`;
          if (accepted.get(about) !== state) broken.push(`resumed from ${from} without ${about} ${state}`);
        }
      };
      api.onList(() => {
        listed = cluster.version();
        return cluster.list();
      });
      api.onWatch((query) => {
        const from = Number(query["resourceVersion"]);
        if (from + 1 < cluster.oldest()) throw new KubernetesApiError("Gone", "too old");
        checkResume(from);
        sent = cluster.history.findIndex((event) => event.version > from);
        if (sent === -1) sent = cluster.history.length;
      });
      const pump = async (): Promise<void> => {
        for (; sent < cluster.history.length && api.streams.at(-1)?.isOpen() === true; sent += 1) {
          const event = cluster.history[sent];
          if (event !== undefined) api.stream().event(event.type, event.object);
        }
        await clock.settle();
      };
      const doings: {
        readonly [Do in Step["do"]]: (step: Extract<Step, { do: Do }>) => void | Promise<void>;
      } = {
        put: ({ name: node, ready, replace }) => cluster.put(node, ready, replace),
        delete: ({ name: node }) => cluster.remove(node),
        end: () => api.stream().end(),
        reset: () => api.stream().fail(new KubernetesApiError("ConnectionLost", "reset")),
        garbage: () => api.stream().write("{\n"),
        bookmark: async () => {
          await pump();
          api.stream().bookmark(cluster.version());
        },
        expire: () => {
          cluster.compact();
          api.stream().event("ERROR", { code: 410 });
        },
        replay: async () => {
          // What is replayed has been there before: a stream never runs ahead of itself.
          await pump();
          const old = cluster.history.at(Math.floor(cluster.history.length / 2));
          if (old !== undefined && old.type !== "DELETED") api.stream().event(old.type, old.object);
        },
        handler: ({ fails, takes }) => {
          handler = { fails, takes };
        },
        wait: ({ span }) => clock.advance(span),
      };
      await start();
      for (const next of steps) {
        await (doings[next.do] as (step: Step) => void | Promise<void>)(next);
        if (next.do !== "put" && next.do !== "delete") await pump();
      }
      handler = { fails: false, takes: 0 };
      for (let round = 0; round < 10; round += 1) {
        await clock.advance(35_000);
        await pump();
      }
      const truth = [...cluster.nodes].map(([node, { uid, ready }]) => `${node} ${uid} ${ready}`).toSorted();
      const view = [...source.nodes()].map(
        ([node, { uid, conditions }]) => `${node} ${uid} ${conditions[0]?.status}`,
      );
      expect(view.toSorted()).toEqual(truth);
      expect([...accepted].map(([node, state]) => `${node} ${state}`).toSorted()).toEqual(truth);
      expect(broken).toEqual([]);
      expect(api.peak()).toBe(1);
      expect(told.length).toBeGreaterThanOrEqual(cluster.nodes.size > 0 ? 1 : 0);
      await source.stop();
    }),
    { numRuns: 200 },
  );
});
