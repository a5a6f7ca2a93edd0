import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorFields } from "@node-agent/shared/runtime/error-fields.ts";
import { Secret } from "@node-agent/shared/runtime/secret.ts";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { memoryLogger } from "./log-lines.ts";

const CANARY = 'canary-"7f3a9e';

describe("a log line", () => {
  test("is JSON with the service, role, version, cluster, ISO time and level by name", () => {
    const { logger, lines } = memoryLogger();
    logger.warn({ node: "a" }, "hello");
    expect(lines()[0]).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/u) as unknown,
      service: "node-agent",
      role: "worker",
      version: VERSION,
      cluster: "test",
      node: "a",
      msg: "hello",
    });
  });

  test("holds no known secret, in whatever field, child or error it came", () => {
    const { logger, raw } = memoryLogger([Secret.of(CANARY)]);
    const error = Object.assign(new Error(`refused ${CANARY}`, { cause: new Error(CANARY) }), {
      request: CANARY,
    });
    logger.error({ err: error, deep: { list: [{ x: CANARY }] } }, `with ${CANARY}`);
    logger.child({ note: CANARY }).info({ [CANARY]: 1 }, "child");
    expect(raw).toHaveLength(2);
    expect(raw.join("")).not.toContain("7f3a9e");
    expect(raw.every((line) => typeof JSON.parse(line) === "object")).toBe(true);
  });

  test("holds no field that is a secret by its name, even one nobody announced", () => {
    const { logger, raw } = memoryLogger();
    logger.info(
      {
        authorization: "unannounced",
        request: { headers: { authorization: "unannounced" } },
        instance: { initial_password: "unannounced", kubeconfig: "apiVersion: v1\nunannounced" },
        password: "unannounced",
        secret: Secret.of("unannounced"),
      },
      "x",
    );
    expect(raw.join("")).not.toContain("unannounced");
  });

  test("shows the path of a kubeconfig, which is no secret", () => {
    const { logger, lines } = memoryLogger();
    logger.info({ config: { kubeconfig: "/etc/rancher/k3s/k3s.yaml" } }, "x");
    expect(lines()[0]).toMatchObject({ config: { kubeconfig: "/etc/rancher/k3s/k3s.yaml" } });
  });

  test("stays one line whatever a cluster writes into its names and messages", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { logger, raw, lines } = memoryLogger();
        logger.info({ node: text }, "x");
        expect(raw.join("").trimEnd().split("\n")).toHaveLength(1);
        // Lone surrogates have no UTF-8 form; everything else comes back as it was.
        expect(lines()[0]?.["node"]).toBe(text);
      }),
    );
  });
});

describe("an error in the log", () => {
  test("keeps type, code, message, stack and causes, and nothing else that a library attached", () => {
    const error = Object.assign(new TypeError("broken", { cause: new RangeError("deep") }), {
      code: "EBROKEN",
      command: { name: "auth", args: ["hunter2"] },
    });
    expect(errorFields(error)).toEqual({
      type: "TypeError",
      code: "EBROKEN",
      message: "broken",
      stack: expect.stringContaining("TypeError: broken") as unknown,
      cause: { type: "RangeError", message: "deep" },
    });
  });

  test("loses the login of a URL and the credentials of a header", () => {
    const { message } = errorFields(new Error("redis://user:pa@ss@host:1 refused Bearer abc.def-123"));
    expect(message).toBe("redis://***@host:1 refused Bearer ***");
  });

  test("that is no error is named, not unfolded", () => {
    expect(errorFields("text")).toEqual({ type: "string", message: "text" });
    expect(errorFields({ password: "hunter2" })).toEqual({ type: "object", message: "a thrown object" });
    expect(errorFields(null)).toEqual({ type: "object", message: "a thrown object" });
  });

  test("that is its own cause does not go on for ever", () => {
    const error = new Error("loop");
    error.cause = error;
    expect(JSON.stringify(errorFields(error)).match(/loop/gu)?.length).toBeLessThan(10);
  });

  test("of many addresses tells a few of them", () => {
    const errors = Array.from({ length: 50 }, (_, index) => new Error(`address ${index}`));
    expect(errorFields(new AggregateError(errors, "all failed")).errors).toHaveLength(5);
  });
});
