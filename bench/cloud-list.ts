/**
 * Cost of reading the list of a cluster's instances: from the bytes of the answer to what the agent keeps of them.
 *
 *   streamed   the product's reader, fed with chunks of 64 KiB as a socket brings them
 *   whole      baseline: JSON.parse of the same bytes at once, nothing checked and everything kept
 *
 * The longest step is how long the event loop stands still at once; nothing else runs on a worker meanwhile.
 */
import { InstanceList, LIST_LIMITS } from "../packages/civo/src/instance-list.ts";
import { machine, ms, perSecond, progress, quantile, spread, table } from "./support/report.ts";

const ROUNDS = 5;
/** Rounds before them, in which the engine learns the code. */
const WARM_UP = 5;
const CHUNK = 64 * 1024;
/** The least that the design asks for, in instances per second. */
const BAR = 1000;
/** As Civo's API sends instances, with and without a start-up script; the largest list is beyond what was read before. */
const LISTS = [
  { instances: 1000, script: 0 },
  { instances: 15_000, script: 0 },
  { instances: 5000, script: 2600 },
] as const;

function bodyOf({ instances, script }: (typeof LISTS)[number]): Buffer {
  const one = (i: number): object => ({
    id: `15e0a7dd-744e-4558-8113-${String(i).padStart(12, "0")}`,
    name: `k3s-cluster-5359-217631-node-pool-b786-${i}`,
    hostname: `k3s-cluster-5359-217631-node-pool-b786-${i}`,
    account_id: "eaef1dd6-1cec-4d9c-8480-96452bd94dea",
    size: "g4s.kube.small",
    firewall_id: "57416f92-1f81-4111-b87d-77ba77724e5b",
    source_type: "diskimage",
    source_id: "1.32.4-k3s1",
    network_id: "01d7d363-93c5-4203-9f8f-39ea9e7d0098",
    initial_user: "root",
    initial_password: "not-a-password",
    civostatsd_token: "not-a-token",
    ssh_key: "-",
    tags: ["k3s"],
    script: "echo ok\n".repeat(script / 8),
    status: "ACTIVE",
    region: "LON1",
    public_ip: "74.220.20.152",
    private_ip: "192.168.1.16",
    reverse_dns: null,
    cpu_cores: 8,
    ram_mb: 65_536,
    disk_gb: 40,
    gpu_count: 8,
    created_at: "2023-09-15T10:48:13Z",
  });
  return Buffer.from(JSON.stringify(Array.from({ length: instances }, (_, i) => one(i))));
}

/** Milliseconds of the whole list and of its longest step. Throws when an instance is missing. */
function streamed(body: Buffer, instances: number): { took: number; longest: number } {
  const list = new InstanceList(LIST_LIMITS);
  let longest = 0;
  const startedAt = performance.now();
  for (let at = 0; at < body.length; at += CHUNK) {
    const stepAt = performance.now();
    list.push(body.subarray(at, at + CHUNK));
    longest = Math.max(longest, performance.now() - stepAt);
  }
  const found = list.instances()?.length;
  if (found !== instances) throw new Error(`${String(found)} of ${instances} instances were read`);
  return { took: performance.now() - startedAt, longest };
}

function whole(body: Buffer): number {
  const startedAt = performance.now();
  JSON.parse(body.toString("utf8"));
  return performance.now() - startedAt;
}

const results = LISTS.map((list) => {
  const body = bodyOf(list);
  progress(`${list.instances} instances, ${(body.length / 1e6).toFixed(1)} MB, ${ROUNDS} rounds`);
  const rounds = Array.from({ length: WARM_UP + ROUNDS }, () => {
    const base = whole(body);
    return { base, ...streamed(body, list.instances) };
  }).slice(WARM_UP);
  const middle = (of: (round: (typeof rounds)[number]) => number): number => quantile(rounds.map(of), 0.5);
  return {
    instances: list.instances,
    megabytes: body.length / 1e6,
    rounds,
    rate: (list.instances * 1000) / middle(({ took }) => took),
    ratio: middle(({ took, base }) => took / base),
  };
});

const rows = results.map(({ instances, megabytes, rounds, rate, ratio }) => [
  String(instances),
  `${megabytes.toFixed(1)} MB`,
  spread(
    rounds.map(({ took }) => took),
    ms,
  ),
  spread(
    rounds.map(({ longest }) => longest),
    ms,
  ),
  spread(
    rounds.map(({ base }) => base),
    ms,
  ),
  `${ratio.toFixed(2)} x`,
  perSecond(rate),
]);
process.stdout.write(`${machine()}\n\n`);
process.stdout.write(
  `${table(["instances", "answer", "streamed", "longest step", "JSON.parse of the whole", "streamed is", "instances per second"], rows)}\n\n`,
);
const slowest = Math.min(...results.map(({ rate }) => rate));
process.stdout.write(
  `${JSON.stringify({ bench: "cloud-list", bar: BAR, slowest: Math.round(slowest), results })}\n`,
);
if (slowest < BAR) throw new Error(`${slowest.toFixed(0)} instances per second, ${BAR} are the bar`);
