import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { MINUTE, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import type { CivoInstance } from "./answer.ts";
import type { CivoClient } from "./client.ts";
import type { CivoFault } from "./fault.ts";

/** What an inventory is made of. */
export interface InventoryOptions {
  readonly client: Pick<CivoClient, "listClusterInstances">;
  readonly clock: Clock;
  /** Counted from the beginning of its read, an inventory serves for so long; default: a minute. */
  readonly maxAge?: Millis;
  /** Told of each list that was read, or was not, and how long that took. */
  readonly onRead?: (fault: CivoFault | undefined, took: Millis) => void;
}

/** All instances of the cluster at one moment, by id and by host name. */
export interface Instances {
  /** Those with this id: more than one is a contradiction. */
  byId(id: string): readonly CivoInstance[];
  /** Every instance that could be meant by the node's name; more than one means that none is taken. */
  claimants(node: NodeSnapshot): readonly CivoInstance[];
}

/** The inventory, or why there is none. */
export type InventoryLook =
  | { readonly ok: true; readonly instances: Instances }
  | { readonly ok: false; readonly fault: CivoFault };

interface Held {
  readonly instances: Instances;
  readonly startedAt: Millis;
}

const NEVER = new AbortController().signal;
const NOT_READ: CivoFault = {
  class: "transient",
  detail: "the list of the cluster's instances was not read yet",
  sent: false,
};

/**
 * The instances of the cluster, read ahead of the send deadline and shared by all repairs of a worker: the list of a large
 * cluster takes longer than the deadline allows for everything. It names no VM on its own word: what is read within the
 * deadline, one instance by its exact id, must agree with it, so that an old inventory can only hold a repair.
 */
export class Inventory {
  readonly #client: Pick<CivoClient, "listClusterInstances">;
  readonly #clock: Clock;
  readonly #maxAge: Millis;
  readonly #onRead: NonNullable<InventoryOptions["onRead"]>;
  #held: Held | undefined;
  #reading: Promise<void> | undefined;
  #isDoubted = false;
  #fault: { readonly fault: CivoFault; readonly askAgainAt: Millis } | undefined;

  constructor({ client, clock, maxAge = MINUTE, onRead = () => undefined }: InventoryOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#maxAge = maxAge;
    this.#onRead = onRead;
  }

  /** Reads the list unless the latest one serves for half of its age yet, or was refused a moment ago. Never throws. */
  async readAhead(signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonic();
    const serves = this.#isDoubted ? this.#maxAge / 12 : this.#maxAge / 2;
    if (this.#held !== undefined && now - this.#held.startedAt <= serves) return;
    if (this.#fault !== undefined && now < this.#fault.askAgainAt) return;
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    await settledOrAborted(this.#reading, signal);
  }

  /** The cloud contradicts the latest list, or it names no VM: the next read ahead does not wait for half of its age. */
  doubt(): void {
    this.#isDoubted = true;
  }

  /** The latest list that is not too old; asks the cloud nothing. */
  look(): InventoryLook {
    const held = this.#held;
    if (held !== undefined && this.#clock.monotonic() - held.startedAt <= this.#maxAge) {
      return { ok: true, instances: held.instances };
    }
    return { ok: false, fault: this.#fault?.fault ?? NOT_READ };
  }

  /** One list for all that wait for it, with a deadline of its own: the job that asked first may end before. */
  async #read(): Promise<void> {
    const startedAt = this.#clock.monotonic();
    using deadline = deadlineSignal(this.#clock, (3 * this.#maxAge) / 4, NEVER);
    const listed = await this.#client.listClusterInstances(deadline.signal);
    this.#onRead(listed.ok ? undefined : listed.error, this.#clock.monotonic() - startedAt);
    if (listed.ok) {
      this.#held = { instances: indexed(listed.value), startedAt };
      this.#isDoubted = false;
      this.#fault = undefined;
      return;
    }
    const { error: fault } = listed;
    // All that wait would ask again, one after the other.
    const pause = Math.max(this.#maxAge / 12, fault.retryAfter ?? 0);
    this.#fault = { fault, askAgainAt: this.#clock.monotonic() + pause };
  }
}

function indexed(listed: readonly CivoInstance[]): Instances {
  const byId = Map.groupBy(listed, ({ id }) => id);
  const byName = Map.groupBy(listed, ({ hostname }) => lowerCase(hostname));
  return {
    byId: (id) => byId.get(id) ?? [],
    claimants: ({ name }) => byName.get(lowerCase(name)) ?? [],
  };
}

/**
 * True when a host name is the node's name but for the case of its ASCII letters: host names are compared like this
 * (RFC 4343), and node names are lower case. Other letters are not folded: `\u212A` is no `k`.
 */
export function namesNode(hostname: string, node: Pick<NodeSnapshot, "name">): boolean {
  return lowerCase(hostname) === lowerCase(node.name);
}

function lowerCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

async function settledOrAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([work, aborted]);
  signal.removeEventListener("abort", onAbort);
}
