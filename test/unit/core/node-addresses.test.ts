import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressesOf } from "@node-agent/shared/core/node-addresses.ts";

const NODE = {
  spec: { podCIDR: "10.42.1.0/24", podCIDRs: ["10.42.1.0/24", "fd42:1::/64"] },
  status: {
    addresses: [
      { type: "Hostname", address: "node-1" },
      { type: "InternalIP", address: "192.168.1.7" },
      { type: "ExternalIP", address: "74.220.1.1" },
      { type: "InternalIP", address: "fd00::7" },
    ],
  },
};

describe("the addresses of a node", () => {
  test("are its internal ones and the ranges of its pods, each once", () => {
    expect(addressesOf(NODE)).toEqual(["192.168.1.7", "fd00::7", "10.42.1.0/24", "fd42:1::/64"]);
  });

  test.each([
    ["nothing", undefined],
    ["text", "node"],
    ["a list", []],
    ["an empty object", {}],
    ["parts of the wrong kind", { spec: 1, status: [] }],
    ["lists of the wrong kind", { spec: { podCIDRs: "x" }, status: { addresses: {} } }],
    ["elements of the wrong kind", { spec: { podCIDRs: [1, null] }, status: { addresses: [null, "x", {}] } }],
    ["text that is no token", { spec: { podCIDR: "10.42.1.0/24\n" } }],
    [
      "a getter that throws",
      {
        get spec(): never {
          throw new Error("no");
        },
      },
    ],
  ])("are none of %s", (_, raw) => {
    expect(addressesOf(raw)).toEqual([]);
  });

  test("are few and short, whatever the object holds", () => {
    const address = fc.record({ type: fc.constant("InternalIP"), address: fc.string({ maxLength: 100 }) });
    fc.assert(
      fc.property(fc.array(address, { maxLength: 60 }), fc.array(fc.string()), (addresses, podCIDRs) => {
        const found = addressesOf({ spec: { podCIDRs }, status: { addresses } });
        expect(found.length).toBeLessThanOrEqual(16);
        for (const one of found) expect(one.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});
