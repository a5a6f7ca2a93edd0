import type { Random } from "../world/random.ts";
import type { Api, FaultRequest, StandingFault } from "./fault.ts";

interface Entry {
  readonly id: number;
  readonly request: FaultRequest;
  taken: number;
}

/** What decides whether a fault takes a request. */
export interface RequestFacts {
  readonly method: string;
  readonly path: string;
  readonly watch: boolean;
}

/** The faults that stand on both APIs. The oldest that matches takes the request. */
export class FaultBook {
  #entries: Entry[] = [];
  #ids = 0;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Puts a fault on an API and returns its id. */
  add(request: FaultRequest): number {
    this.#ids += 1;
    this.#entries.push({ id: this.#ids, request, taken: 0 });
    return this.#ids;
  }

  /** Takes one fault off, or all of an API, or all. */
  clear(which: { readonly id?: number | undefined; readonly api?: Api | undefined } = {}): void {
    this.#entries = this.#entries.filter(
      (entry) =>
        (which.id !== undefined && entry.id !== which.id) ||
        (which.api !== undefined && entry.request.api !== which.api),
    );
  }

  list(): StandingFault[] {
    return this.#entries.map(({ id, request, taken }) => ({ id, request, taken }));
  }

  /** The fault that takes this request, counted as used; undefined lets it pass. */
  take(api: Api, facts: RequestFacts): StandingFault | undefined {
    const entry = this.#entries.find(
      ({ request }) =>
        request.api === api &&
        matches(request, facts) &&
        (request.probability === undefined || this.#random.next() < request.probability),
    );
    if (entry === undefined) return undefined;
    entry.taken += 1;
    if (entry.taken >= (entry.request.times ?? Infinity)) this.clear({ id: entry.id });
    return entry;
  }
}

function matches({ match }: FaultRequest, facts: RequestFacts): boolean {
  return (
    (match?.method === undefined || match.method.toUpperCase() === facts.method) &&
    (match?.path === undefined || facts.path.startsWith(match.path)) &&
    (match?.watch === undefined || match.watch === facts.watch)
  );
}
