import { type CivoInstance, instanceAnswer } from "./answer.ts";
import { JsonElements } from "./json-elements.ts";

/** Limits of a list: what is kept of an instance is small, so that these bound the memory whatever the cloud sends. */
export interface ListLimits {
  /** Most instances of a cluster. */
  readonly instances: number;
  /** The largest instance, with its start-up script and all that is dropped. */
  readonly instanceBytes: number;
}

/** Twenty times the largest cluster that Kubernetes is tested with; a user-data script has at most some hundred kB. */
export const LIST_LIMITS: ListLimits = { instances: 100_000, instanceBytes: 4 * 1024 * 1024 };

/** Reads `GET /v2/kubernetes/clusters/{id}/instances`, a bare array without pages, while it arrives. */
export class InstanceList {
  readonly #limits: ListLimits;
  readonly #elements: JsonElements;
  readonly #instances: CivoInstance[] = [];
  #fault: string | undefined;

  constructor(limits: ListLimits) {
    this.#limits = limits;
    this.#elements = new JsonElements((json) => this.#add(json), limits.instanceBytes);
  }

  /** Takes the next bytes of the body; what comes back says why the rest is of no use. */
  push(chunk: Buffer): string | undefined {
    if (this.#fault !== undefined) return this.#fault;
    try {
      this.#elements.push(chunk);
    } catch (error) {
      this.#fault = error instanceof SyntaxError ? error.message : "unreadable";
    }
    return this.#fault;
  }

  /** The instances, once the body is complete; undefined: it is no list of instances, or was cut. */
  instances(): readonly CivoInstance[] | undefined {
    return this.#fault === undefined && this.#elements.ended ? this.#instances : undefined;
  }

  /** One that cannot be read may be a second claimant: the list says nothing without it. */
  #add(json: string): void {
    if (this.#instances.length >= this.#limits.instances)
      throw new SyntaxError(`more than ${this.#limits.instances} instances`);
    this.#instances.push(instanceOf(json));
  }
}

function instanceOf(json: string): CivoInstance {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    // The message of JSON.parse quotes what it read, secrets included.
    throw new SyntaxError("not JSON");
  }
  const instance = instanceAnswer.safeParse(parsed);
  if (!instance.success) throw new SyntaxError("an instance that cannot be read");
  return instance.data;
}
