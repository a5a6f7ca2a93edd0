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
  | { readonly do: "handler"; readonly fails: boolean }
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
  { weight: 1, arbitrary: fc.record({ do: fc.constant("handler" as const), fails: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), span: fc.integer({ min: 1, max: 40_000 }) }),
  },
);

/** An API server's memory: the nodes, and the history that a watch from an older version replays. */
function referenceCluster() {
  const nodes = new Map<string, Stored>();
  const history: { readonly version: number; readonly type: string; readonly object: unknown }[] = [];
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
        history.push({ version, type: "DELETED", object: raw(node, { ...before, version }) });
        version += 1;
      }
      const stored = { uid, version, ready };
      nodes.set(node, stored);
      const type = before === undefined || uid !== before.uid ? "ADDED" : "MODIFIED";
      history.push({ version, type, object: raw(node, stored) });
    },
    remove: (node: string) => {
      const before = nodes.get(node);
      if (before === undefined) return;
      version += 1;
      nodes.delete(node);
      history.push({ version, type: "DELETED", object: raw(node, { ...before, version }) });
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
      let fails = false;
      let sent = 0;
      onHandler((call) => {
        if (fails) throw new Error("handler is down");
        const [kind, ...about] = call.split(" ");
        for (const node of about) {
          if (kind === "disappeared") accepted.delete(node);
          else accepted.set(node, snapshots.findLast((snapshot) => snapshot.name === node)?.uid ?? "");
        }
      });
      api.onList(() => cluster.list());
      api.onWatch((query) => {
        const from = Number(query["resourceVersion"]);
        if (from + 1 < cluster.oldest()) throw new KubernetesApiError("Gone", "too old");
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
        handler: ({ fails: next }) => {
          fails = next;
        },
        wait: ({ span }) => clock.advance(span),
      };
      await start();
      for (const next of steps) {
        await (doings[next.do] as (step: Step) => void | Promise<void>)(next);
        if (next.do !== "put" && next.do !== "delete") await pump();
      }
      fails = false;
      for (let round = 0; round < 10; round += 1) {
        await clock.advance(35_000);
        await pump();
      }
      const truth = [...cluster.nodes].map(([node, { uid, ready }]) => `${node} ${uid} ${ready}`).toSorted();
      const view = [...source.nodes()].map(
        ([node, { uid, conditions }]) => `${node} ${uid} ${conditions[0]?.status}`,
      );
      expect(view.toSorted()).toEqual(truth);
      expect([...accepted].map(([node, uid]) => `${node} ${uid}`).toSorted()).toEqual(
        [...cluster.nodes].map(([node, { uid }]) => `${node} ${uid}`).toSorted(),
      );
      expect(api.peak()).toBe(1);
      expect(told.length).toBeGreaterThanOrEqual(cluster.nodes.size > 0 ? 1 : 0);
      await source.stop();
    }),
    { numRuns: 200 },
  );
});
