import { createNopExecutor } from "@node-agent/shared/runtime/nop-executor.ts";
import { expect, test } from "vitest";
import { aNode, INSTANCE_ID } from "./support.ts";

const { signal } = new AbortController();

test.each([
  [`civo://${INSTANCE_ID}`, INSTANCE_ID],
  ["k3s://node-1", "node-1"],
  ["aws:///eu-west-1a/i-0abc", "/eu-west-1a/i-0abc"],
  [undefined, "node-1"],
  ["", "node-1"],
])("names the target of provider id %s from the snapshot alone", async (providerId, instanceId) => {
  const resolved = await createNopExecutor().resolve(aNode({ providerId }), signal);
  expect(resolved).toEqual({ ok: true, target: { instanceId, hostname: "node-1" } });
});

test("a reboot is only simulated (I5)", async () => {
  const receipt = await createNopExecutor().reboot({ instanceId: INSTANCE_ID, hostname: "node-1" }, signal);
  expect(receipt.outcome).toBe("Simulated");
});
