/**
 * Where so many nodes show to be sick that nothing may be repaired, told by the machines alone. Its own code: what the
 * product computes is held against it.
 */
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";

/** A node as an onlooker sees it. */
export interface Seen {
  readonly pool: string;
  readonly zone: string | undefined;
  readonly sick: boolean;
  /** Its kubelet says nothing. */
  readonly silent: boolean;
}

/** Since when each scope holds its nodes. */
export class TrueBreakers {
  readonly #policy: RepairPolicy["breaker"];
  #since = new Map<string, EpochMillis>();

  constructor(policy: RepairPolicy["breaker"]) {
    this.#policy = policy;
  }

  /** Looks at the nodes as they are now. */
  look(nodes: readonly Seen[], now: EpochMillis): void {
    const held = this.#heldBy(nodes);
    this.#since = new Map([...held].map((scope) => [scope, this.#since.get(scope) ?? now]));
  }

  /** Since when this node is held; undefined: it stands alone. */
  since({ pool, zone }: Pick<Seen, "pool" | "zone">): EpochMillis | undefined {
    const scopes = [`zone ${zone ?? ""}`, `pool ${pool}`, "cluster", "all silent"];
    const times = scopes.flatMap((scope) => this.#since.get(scope) ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #heldBy(nodes: readonly Seen[]): Set<string> {
    const { percent } = this.#policy;
    const held = new Set<string>();
    // Not even one of them says anything: the silence may be the control plane's, whatever the other scopes are set to.
    if (nodes.length > 1 && nodes.every(({ silent }) => silent)) held.add("all silent");
    let rest = nodes;
    for (const [kind, share] of [
      ["zone", percent.zone],
      ["pool", percent.pool],
    ] as const) {
      const groups = Map.groupBy(nodes, (node) => node[kind]);
      for (const [name, group] of groups) {
        const sick = rest.filter((node) => node[kind] === name && node.sick).length;
        if (name !== undefined && this.#isMany(sick, group.length, share)) held.add(`${kind} ${name}`);
      }
      // What a narrower scope explains counts for no wider one.
      rest = rest.filter((node) => !(node.sick && held.has(`${kind} ${node[kind] ?? ""}`)));
    }
    const sick = rest.filter((node) => node.sick).length;
    if (this.#isMany(sick, rest.length, percent.cluster)) held.add("cluster");
    return held;
  }

  #isMany(sick: number, nodes: number, percent: number): boolean {
    return sick >= this.#policy.floor && sick >= (nodes * percent) / 100;
  }
}
