import { expect, test } from "vitest";
import { createClusterAgent } from "../../../packages/kubernetes/src/connection/agent.ts";
import { staticCredential } from "../../../packages/kubernetes/src/credentials/credential.ts";
import { manualClock } from "./support/manual-clock.ts";

const access = {
  origin: "a test",
  server: "https://127.0.0.1:6443",
  skipTlsVerify: false,
  headers: {},
  credentials: staticCredential(),
};

test("I-1: the same agent for every call and every token", async () => {
  const agent = createClusterAgent(access, manualClock());
  const first = await agent.dispatcher({ authorization: "Bearer one" });
  expect(await agent.dispatcher({ authorization: "Bearer two" })).toBe(first);
  await agent.close();
});

test("I-1: another agent when an exec plugin issues another certificate", async () => {
  const agent = createClusterAgent(access, manualClock());
  const first = await agent.dispatcher({ clientCertificate: "c1", clientKey: "k1" });
  expect(await agent.dispatcher({ clientCertificate: "c1", clientKey: "k1" })).toBe(first);
  expect(await agent.dispatcher({ clientCertificate: "c2", clientKey: "k2" })).not.toBe(first);
  await agent.close();
});

test("I-1: another agent after five connections in a row that could not be made, not after four", async () => {
  const agent = createClusterAgent(access, manualClock());
  const first = await agent.dispatcher({});
  for (let failure = 0; failure < 4; failure += 1) agent.connectFailed();
  expect(await agent.dispatcher({})).toBe(first);
  agent.connected();
  for (let failure = 0; failure < 4; failure += 1) agent.connectFailed();
  expect(await agent.dispatcher({})).toBe(first);
  agent.connectFailed();
  expect(await agent.dispatcher({})).not.toBe(first);
  await agent.close();
});

test("a closed agent opens nothing any more", async () => {
  const agent = createClusterAgent(access, manualClock());
  await agent.close();
  await expect(agent.dispatcher({})).rejects.toThrow("closed");
});
