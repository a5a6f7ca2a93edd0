import { describe, expect, test } from "vitest";
import { isAllowedHost, type HostRules } from "../../../packages/console/src/host-check.ts";

const OPEN: HostRules = { host: "0.0.0.0", allowedHosts: ["Board.example"] };
const POD = "10.42.0.17";

describe("a request is answered when its Host header names", () => {
  test.each([
    ["localhost:9630", OPEN],
    ["LOCALHOST", OPEN],
    ["127.0.0.1:9630", OPEN],
    ["127.8.8.8", OPEN],
    ["[::1]:9630", OPEN],
    ["board.example", OPEN],
    ["BOARD.example:443", OPEN],
    ["board.example.", OPEN],
    // A probe of the kubelet asks by the address of the pod.
    [`${POD}:9630`, OPEN],
    ["console.internal:9630", { ...OPEN, host: "console.internal" }],
    ["10.0.0.5", { ...OPEN, host: "10.0.0.5" }],
  ])("%s", (header, rules) => expect(isAllowedHost(header, POD, rules)).toBe(true));

  test("the address of the listener, also as IPv4 in IPv6", () =>
    expect(isAllowedHost(POD, `::ffff:${POD}`, OPEN)).toBe(true));
});

describe("a request is refused when its Host header is", () => {
  test.each([
    "rebound.example",
    "rebound.example:9630",
    "board.example.rebound.example",
    "rebound.example/board.example",
    "localhost.rebound.example",
    "127.0.0.1.rebound.example",
    "127.evil.example",
    "0.0.0.0",
    "[::]",
    "10.42.0.18",
    "localhost@rebound.example",
    "localhost:port",
    "",
  ])("%j", (header) => expect(isAllowedHost(header, POD, OPEN)).toBe(false));

  test("missing", () => expect(isAllowedHost(undefined, POD, OPEN)).toBe(false));

  test("empty, where the address of the listener is not known", () =>
    expect(isAllowedHost("", undefined, { host: "0.0.0.0", allowedHosts: [] })).toBe(false));
});
