import type { Machine, Pool } from "../world/machine.ts";
import type { ActionRecord } from "../world/cloud.ts";
import { sizeFacts } from "../world/sizes.ts";
import type { World } from "../world/world.ts";

/** An instance as Civo shows it, with the nulls, extra fields and secrets of real answers. */
export function instanceBody(machine: Machine, region: string): Record<string, unknown> {
  const { instance, pool } = machine;
  const facts = sizeFacts(pool.size, pool.gpus);
  return {
    id: instance.id,
    name: instance.hostname,
    hostname: instance.hostname,
    account_id: "eaef1dd6-1cec-4d9c-8480-96452bd94dea",
    size: pool.size,
    firewall_id: "57416f92-1f81-4111-b87d-77ba77724e5b",
    source_type: "diskimage",
    source_id: "1.32.4-k3s1",
    network_id: "01d7d363-93c5-4203-9f8f-39ea9e7d0098",
    initial_user: "root",
    initial_password: instance.initialPassword,
    civostatsd_token: instance.civostatsdToken,
    ssh_key: "-",
    tags: ["k3s"],
    script: "",
    status: instance.status,
    region,
    public_ip: instance.publicIp,
    private_ip: instance.privateIp,
    namespace_id: "cust-default-eaef1dd6-7505",
    notes: "",
    reverse_dns: null,
    cpu_cores: facts.cpus,
    ram_mb: facts.memoryMiB,
    disk_gb: facts.diskGiB,
    ...(pool.gpus === 0 ? {} : { gpu_count: pool.gpus, gpu_type: pool.gpuProduct }),
    created_at: new Date(instance.createdAt).toISOString(),
  };
}

/** A pool of a cluster with its instances. */
export function poolBody(world: World, pool: Pool, region: string): Record<string, unknown> {
  const machines = world.cloud.machinesOf(pool);
  return {
    id: pool.id,
    size: pool.size,
    count: pool.count,
    labels: pool.labels,
    taints: pool.taints,
    instance_names: machines.map((machine) => machine.instance.hostname),
    instances: machines.map((machine) => instanceBody(machine, region)),
  };
}

/** The cluster; its `kubeconfig` is a secret that no client may log. */
export function clusterBody(
  world: World,
  cluster: {
    id: string;
    name: string;
    region: string;
    cni: string;
    kubeconfig: string;
    kubernetesUrl: string;
  },
): Record<string, unknown> {
  const machines = world.cloud.machines();
  return {
    id: cluster.id,
    name: cluster.name,
    status: "ACTIVE",
    ready: true,
    kubernetes_version: "1.32.4-k3s1",
    cluster_type: "k3s",
    num_target_nodes: world.pools.reduce((sum, pool) => sum + pool.count, 0),
    target_nodes_size: world.pools[0]?.size ?? "",
    api_endpoint: cluster.kubernetesUrl,
    kubeconfig: cluster.kubeconfig,
    cni_plugin: cluster.cni,
    ccm_installed: "true",
    conditions: [],
    instances: machines.map(({ instance }) => ({
      id: instance.id,
      hostname: instance.hostname,
      status: instance.status,
      tags: ["civo-kubernetes:installed"],
    })),
    pools: world.pools.map((pool) => poolBody(world, pool, cluster.region)),
    required_pools: world.pools.map(({ id, size, count }) => ({ id, size, count })),
  };
}

/** One entry of the audit trail. */
export function actionBody(action: ActionRecord): Record<string, unknown> {
  return {
    id: action.id,
    created_at: new Date(action.at).toISOString(),
    type: action.type,
    details: action.details,
    related_id: action.relatedId,
    related_type: action.relatedType,
    user_id: "0b8a1c2e-0c53-4c0c-9b37-3d7e2fbc0f02",
    debug: false,
  };
}

/** Civo's envelope; `per_page` is null unless the request named it, as some real answers have it. */
export function pageBody(items: readonly unknown[], query: URLSearchParams): Record<string, unknown> {
  const asked = positive(query.get("per_page"));
  const page = positive(query.get("page")) ?? 1;
  const size = asked ?? 20;
  return {
    page,
    per_page: asked ?? null,
    pages: Math.max(1, Math.ceil(items.length / size)),
    items: items.slice((page - 1) * size, page * size),
  };
}

function positive(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
