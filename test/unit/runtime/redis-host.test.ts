import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localAddressOf } from "@node-agent/shared/redis/server-address.ts";
import { hostsRedis } from "@node-agent/shared/runtime/redis-host.ts";

const ADDRESSES = ["192.168.1.7", "fd00::7", "10.42.1.0/24", "fd42:1::/64"];
const at = (...addresses: readonly string[]) => ({ nodes: [], addresses });

const line = (laddr: string, name = ""): string =>
  `id=3 addr=10.42.7.7:53211 laddr=${laddr} fd=8 name=${name} age=0 db=0 sub=0 cmd=client|info user=default`;

describe("Redis runs on the node", () => {
  test.each([
    ["that has its address", "192.168.1.7"],
    ["that has its IPv6 address", "fd00::7"],
    ["that has it, however written", "fd00:0:0::0007"],
    ["whose pods have it", "10.42.1.200"],
    ["whose pods have its IPv6 address", "fd42:1::9"],
    ["whose pods have it, written as IPv6", "::ffff:10.42.1.200"],
  ])("%s", (_, address) => {
    expect(hostsRedis("node-1", ADDRESSES, at(address))).toBe(true);
  });

  test("if one of several servers does", () => {
    expect(hostsRedis("node-1", ADDRESSES, at("10.42.9.1", "10.42.1.1"))).toBe(true);
  });

  test.each([
    ["is another's", "192.168.1.8"],
    ["is a pod's of another node", "10.42.2.1"],
    ["is an IPv6 address elsewhere", "fd42:2::9"],
  ])("not when its address %s", (_, address) => {
    expect(hostsRedis("node-1", ADDRESSES, at(address))).toBe(false);
  });

  test.each([
    ["a loopback address", "127.0.0.1"],
    ["that of a sidecar", "127.0.0.6"],
    ["the IPv6 loopback", "::1"],
    ["a loopback address written as IPv6", "::ffff:127.0.0.1"],
    ["no address", "redis.example.com"],
    ["nothing", ""],
  ])("is not known by %s", (_, address) => {
    expect(hostsRedis("node-1", [...ADDRESSES, "127.0.0.0/8", "::1"], at(address))).toBeUndefined();
  });

  test("is not known while the server or the node was not asked", () => {
    expect(hostsRedis("node-1", ADDRESSES, at())).toBeUndefined();
    expect(hostsRedis("node-1", undefined, at("10.42.1.1"))).toBeUndefined();
  });

  test("that the configuration names, whatever the addresses", () => {
    const named = { nodes: ["node-2"], addresses: ["192.168.1.7"] };
    expect(hostsRedis("node-2", undefined, named)).toBe(true);
    expect(hostsRedis("node-1", ADDRESSES, named)).toBe(false);
  });

  test("by no entry that is neither an address nor a range; and none of them throws", () => {
    const odd = [
      "",
      "/",
      "10.42.1.0/",
      "10.42.1.0/33",
      "10.42.1.0/-1",
      "10.42.1.0/8x",
      "fd42::/129",
      "x/8",
      "1.2.3",
    ];
    expect(hostsRedis("node-1", odd, at("10.42.1.1"))).toBe(false);
    const entry = fc.oneof(
      fc.string(),
      fc.ipV4Extended(),
      fc.tuple(fc.ipV6(), fc.string()).map((two) => two.join("/")),
    );
    fc.assert(
      fc.property(fc.array(entry), entry, (own, server) => {
        expect([true, false, undefined]).toContain(hostsRedis("node-1", own, at(server)));
      }),
    );
  });
});

describe("the server's own address", () => {
  test.each([
    ["10.42.1.200:6379", "10.42.1.200"],
    ["[fd42:1::9]:6379", "fd42:1::9"],
  ])("in laddr=%s is %s", (laddr, address) => {
    expect(localAddressOf(line(laddr))).toBe(address);
  });

  test.each([
    ["a socket file", line("/tmp/redis.sock:0")],
    ["a server before 6.2", "id=3 addr=10.42.7.7:53211 fd=8 name="],
    ["an empty answer", ""],
    ["an answer of another kind", 7],
    ["no answer", undefined],
  ])("is unknown of %s", (_, answer) => {
    expect(localAddressOf(answer)).toBeUndefined();
  });

  test("is not what a client calls itself", () => {
    expect(localAddressOf(line("10.42.1.200:6379", "laddr=1.1.1.1:1"))).toBe("10.42.1.200");
  });
});
