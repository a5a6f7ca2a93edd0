import { beforeEach, describe, expect, test } from "vitest";
import type { SequenceMemory } from "../../../packages/shared/src/ports/sequence-memory.ts";

/** Two clients of one memory, and a stranger who writes to it. */
export interface Memories {
  readonly clients: readonly [SequenceMemory, SequenceMemory];
  readonly forge: (seq: number) => Promise<void>;
}

/** What every SequenceMemory promises. */
export function sequenceMemoryContract(implementation: string, make: () => Memories): void {
  describe(`SequenceMemory contract: ${implementation}`, () => {
    let memories: Memories;
    beforeEach(() => {
      memories = make();
    });
    const raise = async (seq: number, client: 0 | 1 = 0) => memories.clients[client].raise(seq);

    test("begins at nothing, only grows, and is one for all", async () => {
      expect(await raise(0)).toBe(0);
      expect(await raise(7)).toBe(7);
      expect(await raise(5, 1)).toBe(7);
      expect(await raise(8, 1)).toBe(8);
      expect(await raise(0)).toBe(8);
    });

    test("believes a number that a ledger can have reached, whoever wrote it", async () => {
      await memories.forge(1e12);
      expect(await raise(7)).toBe(1e12);
    });

    test.each([2 ** 48, Number.MAX_SAFE_INTEGER])(
      "does not keep %d, which no ledger can reach: the next number replaces it",
      async (forged) => {
        await memories.forge(forged);
        expect(await raise(0)).toBe(0);
        expect(await raise(7)).toBe(7);
        expect(await raise(0, 1)).toBe(7);
      },
    );
  });
}
