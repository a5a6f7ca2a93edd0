import fc from "fast-check";
import { expect, test } from "vitest";
import { readArguments } from "../../../packages/simulator/src/arguments.ts";
import { parseScenario } from "../../../packages/simulator/src/control/scenario.ts";
import { FaultBook } from "../../../packages/simulator/src/faults/fault-book.ts";
import { parseDuration } from "../../../packages/simulator/src/options/duration.ts";
import { plannedPools } from "../../../packages/simulator/src/options/options.ts";
import { Random } from "../../../packages/simulator/src/world/random.ts";

test.each([
  ["500ms", 500],
  ["5s", 5000],
  ["1.5m", 90_000],
  ["2h", 7_200_000],
  ["5", undefined],
  ["-5s", undefined],
  ["5 s", undefined],
  ["", undefined],
  ["s", undefined],
])("the duration %j is %j", (text, span) => {
  expect(parseDuration(text)).toBe(span);
});

test("flags become options: pools, ports, scale, plain HTTP", () => {
  const invocation = readArguments([
    "--pools",
    "standard=10,gpu=4x8",
    "--time-scale",
    "1",
    "--port-civo",
    "8080",
    "--no-tls",
  ]);
  expect(invocation).toEqual({
    mode: "run",
    scenario: [],
    options: {
      pools: [
        { name: "standard", count: 10 },
        { name: "gpu", count: 4, gpus: 8 },
      ],
      timeScale: 1,
      tls: false,
      ports: { civo: 8080 },
    },
  });
});

test("a total of nodes is dealt over the pools without a remainder", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 5000 }),
      (counts, nodes) => {
        const planned = plannedPools({
          pools: counts.map((count, index) => ({ name: `p${index}`, count })),
          nodes,
        });
        expect(planned.reduce((sum, { count }) => sum + count, 0)).toBe(nodes);
        expect(planned.every(({ count }) => count >= 0)).toBe(true);
      },
    ),
  );
});

test("every mistake of a scenario is told, with its step and key", () => {
  const steps = [
    { at: "1s", do: "break", node: "a", fault: "not-ready" },
    { at: "1s", do: "break", node: "a", fault: "nonsense" },
    { at: "1s", do: "outage", api: "civo" },
  ];
  expect(() => parseScenario({ steps })).toThrow(/steps\.1\.fault: .*steps\.2\.kind: /s);
  expect(parseScenario({ steps: steps.slice(0, 1) })).toEqual([
    { at: 1000, command: { do: "break", node: "a", fault: "not-ready" } },
  ]);
});

const request = { method: "GET", path: "/v2/instances/1", watch: false };

test("the oldest fault that matches takes a request, until its times are used up", () => {
  const book = new FaultBook(new Random(1));
  const first = book.add({ api: "civo", effect: "hang", times: 1, match: { path: "/v2/instances" } });
  const second = book.add({ api: "civo", effect: "reset" });
  expect(book.take("kubernetes", request)).toBeUndefined();
  expect(book.take("civo", { ...request, path: "/v2/regions" })?.id).toBe(second);
  expect([book.take("civo", request)?.id, book.take("civo", request)?.id]).toEqual([first, second]);
});

test("a fault's probability is the share of requests that it takes", () => {
  const book = new FaultBook(new Random(1));
  book.add({ api: "civo", effect: "reset", probability: 0.25 });
  const taken = Array.from({ length: 2000 }, () => book.take("civo", request)).filter(
    (fault) => fault !== undefined,
  );
  expect(taken.length).toBeGreaterThan(400);
  expect(taken.length).toBeLessThan(600);
});

test("faults are cleared by id, by API, or all", () => {
  const book = new FaultBook(new Random(1));
  const ids = (["civo", "kubernetes", "civo"] as const).map((api) => book.add({ api, effect: "hang" }));
  book.clear({ id: ids[0] });
  expect(book.list().map(({ id }) => id)).toEqual(ids.slice(1));
  book.clear({ api: "civo" });
  expect(book.list().map(({ id }) => id)).toEqual([ids[1]]);
  book.clear();
  expect(book.list()).toEqual([]);
});
