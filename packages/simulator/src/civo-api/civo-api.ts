import type { Answer, ApiRequest, Reply } from "../http/exchange.ts";
import { InstanceBusyError } from "../world/cloud.ts";
import type { Machine, Pool } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import { actionBody, clusterBody, instanceBody, pageBody, poolBody } from "./civo-bodies.ts";
import { CivoError, UNAUTHENTICATED } from "./civo-error.ts";

/** What the Civo API is made of. */
export interface CivoApiDeps {
  readonly world: World;
  readonly apiKey: string;
  readonly region: string;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly cni: string;
  /** For the cluster's body, which carries the kubeconfig. */
  readonly kubeconfig: () => string;
  readonly kubernetesUrl: () => string;
}

interface Call {
  readonly request: ApiRequest;
  readonly receivedAt: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** What the placeholders of the route matched. */
  readonly ids: readonly string[];
}

type Route = readonly [method: string, path: RegExp, answer: (call: Call) => unknown];

const SUCCESS = { result: "success" };

/** The part of Civo's API that a node agent, a CCM and an autoscaler use. */
export class CivoApi {
  readonly #deps: CivoApiDeps;
  readonly #routes: readonly Route[];
  #apiKey: string;

  constructor(deps: CivoApiDeps) {
    this.#deps = deps;
    this.#apiKey = deps.apiKey;
    this.#routes = this.#table();
  }

  /** The key that is accepted now. */
  get apiKey(): string {
    return this.#apiKey;
  }

  /** Only this key is accepted from now on. */
  rotateKey(apiKey: string): void {
    this.#apiKey = apiKey;
  }

  /** Executes a request; `receivedAt` is when it arrived, before a fault delayed it. */
  handle(request: ApiRequest, receivedAt: number): Reply {
    try {
      return this.#route(request, receivedAt);
    } catch (error) {
      if (error instanceof CivoError) return error.answer();
      if (error instanceof InstanceBusyError) return new CivoError(error.code, error.message).answer();
      throw error;
    }
  }

  #route(request: ApiRequest, receivedAt: number): Answer {
    if (!isAuthorized(request.headers.authorization, this.#apiKey)) return UNAUTHENTICATED;
    const body = readBody(request);
    for (const [method, path, answer] of this.#routes) {
      const match = method === request.method ? path.exec(request.path) : null;
      if (match === null) continue;
      this.#checkRegion(request, body);
      return { status: 200, body: answer({ request, receivedAt, body, ids: match.slice(1) }) };
    }
    return { status: 404, headers: { "content-type": "text/plain" }, body: "404 page not found" };
  }

  /** Regions need none; without one an instance "cannot be found", an unknown one is an error of its own. */
  #checkRegion(request: ApiRequest, body: Readonly<Record<string, unknown>>): void {
    if (request.path === "/v2/regions") return;
    const asked = request.query.get("region") ?? "";
    const region = asked === "" ? body["region"] : asked;
    if (region === undefined || region === "") {
      if (request.path.startsWith("/v2/instances/")) throw new CivoError("database_instance_find");
      return;
    }
    if (region !== this.#deps.region) throw new CivoError("database_region_not_found");
  }

  #table(): Route[] {
    const { region } = this.#deps;
    const cluster = "/v2/kubernetes/clusters/([^/]+)";
    return [
      ["GET", /^\/v2\/regions$/, () => this.#regions()],
      ["GET", /^\/v2\/quota$/, () => this.#quota()],
      ["GET", /^\/v2\/actions$/, ({ request }) => this.#actions(request)],
      ["GET", /^\/v2\/instances$/, ({ request }) => pageBody(this.#instances(), request.query)],
      ["GET", /^\/v2\/instances\/([^/]+)$/, ({ ids }) => instanceBody(this.#machine(ids[0]), region)],
      ["POST", /^\/v2\/instances\/([^/]+)\/(?:hard_reboots|reboots)$/, (call) => this.#reboot(call, "hard")],
      ["POST", /^\/v2\/instances\/([^/]+)\/soft_reboots$/, (call) => this.#reboot(call, "soft")],
      ["PUT", /^\/v2\/instances\/([^/]+)\/stop$/, ({ ids }) => this.#power(ids[0], "stop")],
      ["PUT", /^\/v2\/instances\/([^/]+)\/start$/, ({ ids }) => this.#power(ids[0], "start")],
      ["DELETE", /^\/v2\/instances\/([^/]+)$/, ({ ids }) => refuseDelete(this.#machine(ids[0]))],
      ["GET", /^\/v2\/kubernetes\/clusters$/, ({ request }) => pageBody([this.#cluster()], request.query)],
      ["GET", new RegExp(`^${cluster}$`), ({ ids }) => this.#ours(ids[0], () => this.#cluster())],
      ["GET", new RegExp(`^${cluster}/instances$`), ({ ids }) => this.#ours(ids[0], () => this.#instances())],
      [
        "POST",
        new RegExp(`^${cluster}/recycle$`),
        ({ ids, body }) => this.#ours(ids[0], () => this.#recycle(body)),
      ],
      ["GET", new RegExp(`^${cluster}/pools$`), ({ ids }) => this.#ours(ids[0], () => this.#pools())],
      [
        "GET",
        new RegExp(`^${cluster}/pools/([^/]+)$`),
        ({ ids }) => this.#ours(ids[0], () => this.#poolBody(ids[1])),
      ],
      [
        "PUT",
        new RegExp(`^${cluster}/pools/([^/]+)$`),
        ({ ids, body }) => this.#ours(ids[0], () => this.#scale(ids[1], body)),
      ],
      [
        "DELETE",
        new RegExp(`^${cluster}/pools/([^/]+)/instances/([^/]+)$`),
        ({ ids }) => this.#ours(ids[0], () => this.#deletePoolInstance(ids[1], ids[2])),
      ],
    ];
  }

  #ours(id: string | undefined, answer: () => unknown): unknown {
    if (id !== this.#deps.clusterId) throw new CivoError("database_kubernetes_cluster_not_found");
    return answer();
  }

  #machine(id = ""): Machine {
    const machine = this.#deps.world.cloud.find(id);
    if (machine === undefined) throw new CivoError("database_instance_find");
    return machine;
  }

  #pool(id = ""): Pool {
    const pool = this.#deps.world.pools.find((candidate) => candidate.id === id);
    if (pool === undefined) throw new CivoError("database_cluster_pool_not_found");
    return pool;
  }

  #instances(): unknown[] {
    return this.#deps.world.cloud.machines().map((machine) => instanceBody(machine, this.#deps.region));
  }

  #pools(): unknown[] {
    const { world, region } = this.#deps;
    return world.pools.map((pool) => poolBody(world, pool, region));
  }

  #poolBody(id: string | undefined): unknown {
    return poolBody(this.#deps.world, this.#pool(id), this.#deps.region);
  }

  #cluster(): unknown {
    const { world, clusterId, clusterName, region, cni, kubeconfig, kubernetesUrl } = this.#deps;
    const identity = { id: clusterId, name: clusterName, region, cni };
    return clusterBody(world, { ...identity, kubeconfig: kubeconfig(), kubernetesUrl: kubernetesUrl() });
  }

  #reboot({ ids, receivedAt }: Call, kind: "hard" | "soft"): unknown {
    this.#deps.world.cloud.reboot(this.#machine(ids[0]), kind, receivedAt);
    return SUCCESS;
  }

  #power(id: string | undefined, verb: "start" | "stop"): unknown {
    const machine = this.#machine(id);
    if (verb === "start") this.#deps.world.cloud.start(machine);
    else this.#deps.world.cloud.stop(machine);
    return SUCCESS;
  }

  #recycle(body: Readonly<Record<string, unknown>>): unknown {
    const { world } = this.#deps;
    const machine = world.cloud.machines().find((one) => one.instance.hostname === body["hostname"]);
    if (machine === undefined) throw new CivoError("database_kubernetes_node_not_found");
    world.recycle(machine);
    return SUCCESS;
  }

  #scale(id: string | undefined, body: Readonly<Record<string, unknown>>): unknown {
    const { world } = this.#deps;
    const pool = this.#pool(id);
    const count = body["count"];
    if (count !== undefined && count !== null) {
      if (typeof count !== "number" || !Number.isInteger(count) || count < 0 || count > 10_000) {
        throw new CivoError("parameter_invalid", "count must be a whole number");
      }
      while (pool.count < count) world.addNode(pool, { build: true });
      for (const machine of world.cloud.machinesOf(pool).toReversed()) {
        if (pool.count > count) world.deleteNode(machine.name);
      }
    }
    return this.#poolBody(id);
  }

  #deletePoolInstance(poolId: string | undefined, instanceId: string | undefined): unknown {
    const { world } = this.#deps;
    const pool = this.#pool(poolId);
    const machine = world.cloud.find(instanceId ?? "");
    if (machine?.pool !== pool) throw new CivoError("database_cluster_pool_instance_not_found");
    world.deleteNode(machine.name);
    return SUCCESS;
  }

  #actions({ query }: ApiRequest): unknown {
    const related = query.get("related_id");
    const actions = this.#deps.world.cloud.actions
      .filter((action) => related === null || action.relatedId === related)
      .toReversed();
    return pageBody(actions.map(actionBody), query);
  }

  #quota(): unknown {
    const used = this.#deps.world.cloud.machines().length;
    return {
      id: "44aab548-61ca-11e5-860e-5cf9389be614",
      instance_count_limit: Math.max(64, used * 2),
      instance_count_usage: used,
      cpu_core_limit: Math.max(512, used * 256),
      cpu_core_usage: used * 4,
    };
  }

  #regions(): unknown {
    return [
      {
        code: this.#deps.region,
        name: `${this.#deps.region} region`,
        type: "public",
        out_of_capacity: false,
        country: "uk",
        default: true,
        features: { iaas: true, kubernetes: true },
      },
    ];
  }
}

function refuseDelete(_machine: Machine): never {
  throw new CivoError("database_cannot_manage_cluster_instance");
}

function isAuthorized(header: string | undefined, key: string): boolean {
  const match = /^bearer\s+(\S+)$/i.exec(header ?? "");
  return match?.[1] === key;
}

/** Bodies may be JSON, a form, or nothing; anything else counts as nothing. */
function readBody({ body, headers }: ApiRequest): Record<string, unknown> {
  if (body.trim() === "") return {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // No JSON: perhaps a form.
  }
  const isForm = (headers["content-type"] ?? "").includes("x-www-form-urlencoded");
  return isForm ? Object.fromEntries(new URLSearchParams(body)) : {};
}
