import { describe, expect, test } from "vitest";
import {
  KubernetesApiError,
  type KubernetesAnswer,
  type KubernetesConnection,
  type RequestOptions,
} from "@node-agent/kubernetes";
import { authorOf } from "../../../packages/cli/src/author.ts";

const LOCAL = "ann@desk";

/** A connection whose every call is answered by `answer`. */
function connectionTo(answer: (options: RequestOptions) => Promise<unknown>): KubernetesConnection {
  return {
    origin: "test",
    server: "https://127.0.0.1",
    request: async (_path, options = {}): Promise<KubernetesAnswer> => ({
      status: 201,
      body: await answer(options),
    }),
    stream: async () => Promise.reject(new Error("not here")),
    close: async () => undefined,
  };
}

const named = (username: unknown): KubernetesConnection =>
  connectionTo(async () => ({ kind: "SelfSubjectReview", status: { userInfo: { username } } }));

describe("who gives an order", () => {
  test("is the authenticated user, and in brackets the one of the machine", async () => {
    expect(await authorOf(named("kubernetes-admin"), { who: LOCAL })).toBe("kubernetes-admin (ann@desk)");
  });

  test("is asked for with a deadline shorter than that of the order", async () => {
    const asked: RequestOptions[] = [];
    const connection = connectionTo(async (options) => asked.push(options));
    await authorOf(connection, { who: LOCAL });
    expect(asked).toMatchObject([{ method: "POST", deadline: 5000 }]);
  });

  test.each([
    "NotFound",
    "Forbidden",
    "Unauthorized",
    "Timeout",
    "ConnectFailed",
    "MalformedAnswer",
  ] as const)("is the user of the machine when the server says %s", async (code) => {
    const connection = connectionTo(async () => Promise.reject(new KubernetesApiError(code, "no")));
    expect(await authorOf(connection, { who: LOCAL })).toBe(LOCAL);
  });

  test.each([undefined, null, 7, "", " ", "\u{202E}\n", { a: 1 }, ["x"]])(
    "is the user of the machine when the server names %j",
    async (username) => {
      expect(await authorOf(named(username), { who: LOCAL })).toBe(LOCAL);
    },
  );

  test.each([[], "text", null, { status: "Failure" }, { status: { userInfo: [] } }])(
    "is the user of the machine when the answer is %j",
    async (body) => {
      expect(
        await authorOf(
          connectionTo(async () => body),
          { who: LOCAL },
        ),
      ).toBe(LOCAL);
    },
  );

  test("is one plain line that the ledger can hold", async () => {
    const long = "\u{1F600}".repeat(500);
    const by = await authorOf(named(`a\n\u{1B}[2J\u{202E}${long}`), { who: `b\r\n${"h".repeat(500)}@desk` });
    expect(by).toMatch(/^a \[2J (?:\u{1F600})+\.\.\. \(b h+\.\.\.\)$/u);
    expect(Buffer.byteLength(by)).toBeLessThanOrEqual(231);
    expect(by.isWellFormed()).toBe(true);
  });
});
