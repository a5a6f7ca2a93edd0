import { beforeEach, describe, expect, test } from "vitest";
import type { CallLimiter } from "../../../packages/shared/src/ports/job-queues.ts";

/** Several clients of one limit, as several workers hold them. */
export interface Limiters {
  readonly clients: readonly CallLimiter[];
  readonly pass: (span: number) => Promise<void>;
}

/** What every CallLimiter promises. */
export function callLimiterContract(
  implementation: string,
  make: (limit: { max: number; per: number }) => Limiters,
): void {
  describe(`CallLimiter contract: ${implementation}`, () => {
    const limit = { max: 4, per: 60_000 };
    let limiters: Limiters;
    beforeEach(() => {
      limiters = make(limit);
    });
    const take = async (token: string, client = 0) => limiters.clients[client]?.take(token);

    test("three clients at once get no more slots than the window has", async () => {
      const answers = await Promise.all(
        Array.from({ length: 30 }, async (_, i) => take(`t${i}`, i % limiters.clients.length)),
      );
      expect(answers.filter((answer) => answer === undefined)).toHaveLength(limit.max);
    });

    test("the same token takes one slot, however often and through whichever client it asks", async () => {
      for (let i = 0; i < 10; i += 1) expect(await take("same", i % 3)).toBeUndefined();
      for (let i = 1; i < limit.max; i += 1) expect(await take(`t${i}`)).toBeUndefined();
      expect(await take("one too many")).toBeTypeOf("number");
    });

    test("a token that has its slot keeps it when the window is full", async () => {
      for (let i = 0; i < limit.max; i += 1) await take(`t${i}`);
      expect(await take("another")).toBeTypeOf("number");
      for (let i = 0; i < limit.max; i += 1) expect(await take(`t${i}`, 1)).toBeUndefined();
    });

    test("a slot is free again only when its window is over", async () => {
      for (let i = 0; i < limit.max; i += 1) await take(`t${i}`);
      await limiters.pass(limit.per / 2);
      expect(await take("early")).toBeTypeOf("number");
    });

    test("a refusal names the instant of the next slot, and then there is one", async () => {
      for (let i = 0; i < limit.max; i += 1) await take(`t${i}`);
      const freeAt = await take("late");
      expect(freeAt).toBeTypeOf("number");
      await limiters.pass(limit.per + 10);
      expect(await take("late")).toBeUndefined();
    });

    test("a refused token takes no slot", async () => {
      for (let i = 0; i < limit.max; i += 1) await take(`t${i}`);
      for (let i = 0; i < 20; i += 1) await take(`refused-${i}`);
      await limiters.pass(limit.per + 10);
      for (let i = 0; i < limit.max; i += 1) expect(await take(`next-${i}`)).toBeUndefined();
    });
  });
}
