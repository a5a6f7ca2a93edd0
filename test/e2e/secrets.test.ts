import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { eventsIn } from "../support/cluster-events.ts";
import { useTopology, type Topology } from "../support/topology.ts";

const API_KEY = "canary-civo-api-key-4f1d2c";
const TOKEN = "canary-kubernetes-token-9a8b7c";

const topology = useTopology({
  // One node stays well: a pool that is down as a whole would hold every reboot.
  pools: [{ name: "standard", nodeNames: ["sick", "refused", "unreadable", "well"] }],
  simulator: { apiKey: API_KEY, token: TOKEN },
  env: { CIVO_NODE_AGENT_LOG_LEVEL: "trace" },
});

/** An answer that repeats what it was sent: servers and proxies that do are how a credential gets into a log. */
function repeating(sent: string): Record<string, unknown> {
  const echo = `you sent authorization: Bearer ${sent}`;
  return { effect: "status", times: 3, body: { reason: echo, message: echo, code: echo } };
}

/** What the cloud tells of an instance besides what we ask for. */
const instanceSecrets = z.object({
  initial_password: z.string().min(8),
  civostatsd_token: z.string().min(8),
});

async function secretsOfInstances(): Promise<string[]> {
  const { simulator } = topology();
  const { url, region } = simulator.civo;
  const secrets: string[] = [];
  for (const { instanceId } of await simulator.truth()) {
    const response = await fetch(`${url}/v2/instances/${instanceId}?region=${region}`, {
      headers: { authorization: `bearer ${API_KEY}` },
    });
    const { initial_password: password, civostatsd_token: token } = instanceSecrets.parse(
      await response.json(),
    );
    secrets.push(password, token);
  }
  return secrets;
}

/** Every byte that the agents let out, by where it was found. */
async function everythingSaid(from: Topology): Promise<Map<string, string>> {
  const said = new Map<string, string>();
  for (const agent of [...from.watchers(), ...from.workers()]) {
    said.set(`log of ${agent.name}`, `${agent.lines.join("\n")}\n${agent.stderr()}`);
    for (const path of ["/metrics", "/readyz?verbose"]) {
      said.set(`${path} of ${agent.name}`, (await agent.get(path)).body);
    }
  }
  said.set("events of the cluster", JSON.stringify(await eventsIn(from.simulator.kubeconfig)));
  for (const key of await from.redis.client.keys("*")) said.set(key, await contentOf(from.redis.client, key));
  return said;
}

async function contentOf(client: Redis, key: string): Promise<string> {
  const type = await client.type(key);
  switch (type) {
    case "string":
      return (await client.get(key)) ?? "";
    case "hash":
      return JSON.stringify(await client.hgetall(key));
    case "set":
      return (await client.smembers(key)).join("\n");
    case "zset":
      return (await client.zrange(key, "0", "-1")).join("\n");
    case "list":
      return (await client.lrange(key, 0, -1)).join("\n");
    case "stream":
      return JSON.stringify(await client.xrange(key, "-", "+"));
    default:
      return "";
  }
}

test("no key, token or password reaches a log, Redis, a metric or a job, whatever the clouds say", async () => {
  const { simulator } = topology();
  const callOf = async (node: string): Promise<string> =>
    `/v2/instances/${(await simulator.node(node)).instanceId}/hard_reboots`;
  for (const [node, status] of [
    ["sick", 500],
    ["refused", 403],
  ] as const) {
    const match = { method: "POST", path: await callOf(node) };
    await simulator.command({
      do: "fault",
      fault: { api: "civo", ...repeating(API_KEY), status, match, times: 1 },
    });
  }
  await simulator.command({
    do: "fault",
    fault: {
      api: "civo",
      ...repeating(API_KEY),
      status: 401,
      match: { method: "GET", path: "/v2/kubernetes" },
    },
  });
  const match = { method: "GET", path: "/api/v1/nodes/unreadable" };
  await simulator.command({
    do: "fault",
    fault: { api: "kubernetes", ...repeating(TOKEN), status: 500, match },
  });
  await simulator.command({ do: "fail-watches", code: 500, message: `Bearer ${TOKEN}` });
  for (const node of ["sick", "refused", "unreadable"]) await simulator.break(node, "not-ready");
  for (const node of ["sick", "refused", "unreadable"]) {
    expect(await topology().recovered(node)).toHaveLength(1);
  }
  await eventually(() => expect(topology().logs({ event: "NodeRecovered" })).toHaveLength(3));

  const said = await everythingSaid(topology());
  const all = [...said.values()].join("\n");
  // The search sees what is there: each of the incidents left its words.
  for (const node of ["sick", "refused", "unreadable"]) expect(all).toContain(node);
  expect(all).toContain("HTTP 401");
  expect(said.get("events of the cluster")).toContain("RebootCallFailed");
  for (const secret of [API_KEY, TOKEN, ...(await secretsOfInstances())]) {
    const where = [...said].filter(([, text]) => text.includes(secret)).map(([place]) => place);
    expect(where, `places that show ${secret}`).toEqual([]);
  }
});
