import { describe, expect, test } from "vitest";
import {
  factsText,
  jsonText,
  paletteFor,
  printable,
  spanText,
  tableText,
  whenText,
} from "../../../packages/cli/src/text.ts";
import { nodeName, poolName, reasonText } from "../../../packages/cli/src/names.ts";

const NOON = Date.UTC(2026, 10, 23, 12);

describe("what is printed", () => {
  test("has columns as wide as their widest cell and no blanks at the end of a line", () => {
    expect(
      tableText(
        ["A", "LONGER"],
        [
          ["wide cell", ""],
          ["x", "y"],
        ],
      ),
    ).toBe("A          LONGER\nwide cell\nx          y\n");
  });

  test("cannot steer a terminal, whatever a cluster says", () => {
    const hostile = "\u{1B}[2Jnode\r\n\u{9B}31m\u{202E}x";
    for (const text of [printable(hostile), tableText(["A"], [[hostile]]), factsText([["A", hostile]])]) {
      expect(text.replaceAll(/\n$/gu, "").split("\n").length).toBeLessThanOrEqual(2);
      for (const mark of ["\u{1B}", "\u{9B}", "\u{202E}", "\r"]) expect(text).not.toContain(mark);
    }
  });

  test("as JSON has ISO instants and spans in milliseconds", () => {
    const data = JSON.parse(
      jsonText({ since: NOON, remaining: 1500, nested: [{ until: NOON + 1 }] }),
    ) as unknown;
    expect(data).toEqual({
      since: "2026-11-23T12:00:00.000Z",
      remaining: 1500,
      nested: [{ until: "2026-11-23T12:00:00.001Z" }],
    });
  });

  test.each([
    [0, "2026-11-23T12:00:00Z (now)"],
    [90_400, "2026-11-23T12:01:30Z (in 1m30s)"],
    [-3_600_000, "2026-11-23T11:00:00Z (1h ago)"],
  ])("an instant %i ms from now is %s", (span, text) => {
    expect(whenText(NOON + span, NOON)).toBe(text);
  });

  test("spans are told to the second", () => {
    expect(spanText(61_499)).toBe("1m1s");
  });

  test("has colours only when they are wanted", () => {
    expect(paletteFor(false).bad("HOLDS")).toBe("HOLDS");
    expect(paletteFor(true).bad("HOLDS")).toBe("\u{1B}[31mHOLDS\u{1B}[0m");
  });
});

describe("names and reasons", () => {
  test.each(["node-1", "ip-10-0-0-1.eu.internal", "n"])("takes the node name %s", (name) => {
    expect(nodeName(name)).toBe(name);
  });

  test.each(["", "..", "a/../b", "Node", "a b", "-a", "a".repeat(254), "__proto__", "n\n"])(
    "refuses %j as a node name, as a fault of usage",
    (name) => {
      expect(() => nodeName(name)).toThrow(expect.objectContaining({ code: "Usage", exitCode: 2 }));
    },
  );

  test.each(["", "__proto__", "a,b", "a".repeat(64)])("refuses %j as a pool", (name) => {
    expect(() => poolName(name)).toThrow(expect.objectContaining({ code: "Usage" }));
  });

  test.each(["", "   ", "two\nlines", "\u{1B}[2J", "x".repeat(201)])("refuses the reason %j", (reason) => {
    expect(() => reasonText(reason)).toThrow(expect.objectContaining({ code: "Usage" }));
  });

  test("a reason loses the blanks around it", () => {
    expect(reasonText("  driver upgrade ")).toBe("driver upgrade");
  });
});
