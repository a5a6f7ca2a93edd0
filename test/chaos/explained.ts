/**
 * The sampler: while everything goes wrong, somebody asks every second or so why nodes that have long been due are not
 * rebooted, and every answer must name one blocker that can be the reason, or a pending reboot that acts.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../packages/simulator/src/world/random.ts";
import { explainNode } from "@node-agent/shared/runtime/explain-node.ts";
import { wordOn, type Word } from "./explained-word.ts";
import type { OpenSources } from "./explain-sources.ts";
import { LONGEST_THRESHOLD } from "./settings.ts";
import type { Witness } from "./witness.ts";

/** What was asked, and what was answered. */
export interface ExplainedCounts {
  readonly samples: number;
  /** Samples in which Redis or the API server was away. */
  readonly unreadable: number;
  /** Answers about nodes past their threshold. */
  readonly answers: Readonly<Record<Word["kind"], number>>;
  readonly byGate: Readonly<Record<string, number>>;
  /** Longest time that a node was without an answer, or not judged, in milliseconds. */
  readonly longest: Readonly<Record<"Unexplained" | "Unjudged", number>>;
  /** Nodes that stayed so for longer than the agents need to see to it, in words. */
  readonly unexplained: readonly string[];
}

const EVERY = 1000;
const PER_SAMPLE = 5;
/** From the threshold on: a sick node is judged, its job runs, and the next look of the witness is due. */
const SLACK = 2500;
/** A pending reboot that nothing holds looks again within this: the longest pause of its own (`retryPause`), and a margin. */
const SOON = 2500;
/** Nobody waits longer than this for an answer. */
const PATIENCE = 6000;
/**
 * How long a node may be without an answer. A resync heals lost jobs within a second, while a watcher lives; a record
 * that Redis lost is back when a watcher and a worker are, and three of five processes may be stopped for nine seconds.
 */
const TOLERATED = { Unexplained: 6000, Unjudged: 25_000 } as const;

interface Lack {
  readonly kind: keyof typeof TOLERATED;
  readonly since: number;
}

/** Asks until told to stop. */
export class Sampler {
  readonly #sources: OpenSources;
  readonly #witness: Witness;
  readonly #random: Random;
  /** Nodes whose latest answer was none: they are asked about again. */
  readonly #lacking = new Map<string, Lack>();
  readonly #counts = {
    samples: 0,
    unreadable: 0,
    answers: { Blocked: 0, Acting: 0, Unjudged: 0, Unreadable: 0, Unexplained: 0 },
    byGate: {} as Record<string, number>,
    longest: { Unexplained: 0, Unjudged: 0 },
    unexplained: [] as string[],
  };

  constructor(sources: OpenSources, witness: Witness, random: Random) {
    this.#sources = sources;
    this.#witness = witness;
    this.#random = random;
  }

  get counts(): ExplainedCounts {
    return this.#counts;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(EVERY, undefined, { signal }).catch(() => undefined);
      await this.#sample();
    }
  }

  async #sample(): Promise<void> {
    const nodes = this.#chosen();
    if (nodes.length === 0) return;
    const sources = this.#sources.ofSample();
    const words = await Promise.all(
      nodes.map(async (node) => {
        const answer = explainNode(node, sources).then((explained) => wordOn(explained, SOON));
        return withPatience(answer);
      }),
    );
    this.#counts.samples += 1;
    if (words.some(({ kind }) => kind === "Unreadable")) this.#counts.unreadable += 1;
    // It may have got well while it was asked about: then the answer was about another node.
    const stillSick = await this.#sickAllAlong(nodes);
    for (const [i, node] of nodes.entries()) {
      const word = words[i];
      if (word !== undefined && stillSick.has(node)) this.#take(node, word);
      else this.#lacking.delete(node);
    }
  }

  /** Nodes past their threshold: those without an answer so far, and some of the others. */
  #chosen(): string[] {
    const due = [...this.#due()].map(([node]) => node);
    const asked = due.filter((node) => this.#lacking.has(node)).slice(0, PER_SAMPLE);
    const others = due.filter((node) => !asked.includes(node));
    while (asked.length < PER_SAMPLE && others.length > 0) {
      asked.push(...others.splice(this.#random.integer(others.length), 1));
    }
    return asked;
  }

  #due(): Map<string, number> {
    const before = Date.now() - LONGEST_THRESHOLD - SLACK;
    return new Map([...this.#witness.sick()].filter(([, since]) => since <= before));
  }

  async #sickAllAlong(nodes: readonly string[]): Promise<Set<string>> {
    const before = this.#witness.sick();
    await this.#witness.look();
    const after = this.#witness.sick();
    return new Set(nodes.filter((node) => after.has(node) && after.get(node) === before.get(node)));
  }

  #take(node: string, word: Word): void {
    const { answers, byGate, longest, unexplained } = this.#counts;
    answers[word.kind] += 1;
    if (word.kind === "Blocked") byGate[word.gate] = (byGate[word.gate] ?? 0) + 1;
    if (word.kind !== "Unexplained" && word.kind !== "Unjudged") {
      // While a part of the world is away nobody can see to it either.
      this.#lacking.delete(node);
      return;
    }
    const known = this.#lacking.get(node);
    const lack = known?.kind === word.kind ? known : { kind: word.kind, since: Date.now() };
    this.#lacking.set(node, lack);
    const lasts = Date.now() - lack.since;
    longest[word.kind] = Math.max(longest[word.kind], lasts);
    if (lasts <= TOLERATED[word.kind]) return;
    const why = word.kind === "Unexplained" ? word.why : "nobody judged it";
    unexplained.push(`${node} at ${new Date().toISOString()}, for ${lasts} ms: ${why}`);
    this.#lacking.delete(node);
  }
}

async function withPatience(answer: Promise<Word>): Promise<Word> {
  const late = delay(PATIENCE, { kind: "Unreadable", why: "no answer in time" } as const, { ref: false });
  return Promise.race([answer, late]).catch((error: unknown) => {
    // Without Redis nothing can be said; a mistake of our own is no weather.
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return { kind: "Unreadable", why: String(error) } as const;
  });
}
