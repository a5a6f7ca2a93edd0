import { setImmediate as nextTurn } from "node:timers/promises";
import { createCivoClient, createCivoExecutor } from "@node-agent/civo";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import {
  aNode,
  anInstance,
  CANARY,
  clientOptions,
  INSTANCE_ID,
  OTHER_ID,
  readingAhead,
  scriptedDispatch,
  testClock,
  type ScriptedAnswer,
} from "../../unit/civo/support.ts";
import { garbled, hostileText, hostileValue, mutated, type Fuzz } from "./hostile.ts";

const STATUSES = [
  200, 200, 200, 200, 201, 202, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504,
];
/** What the cloud calls its faults, whatever status they come with. */
const CODES = [
  "database_instance_find",
  "database_account_not_found",
  "database_region_not_found",
  "quota_limit_reached",
  "parameter_x",
  "instance_state_must_be_active_or_shutoff",
  "openstack_instance_find",
  "region_unavailable",
  "requires_authentication",
];

/** Answers of a cloud that lost its mind: a node is looked up and rebooted with them. */
export const cloudAnswers: Fuzz = async (random, cases) => {
  const wrong: string[] = [];
  const given: ScriptedAnswer[] = [];
  const { dispatcher, requests } = scriptedDispatch(({ method, path }) => {
    const answer = answerTo(random, method, path);
    given.push(answer);
    return answer;
  });
  const { clock, advance } = testClock();
  const client = createCivoClient(clientOptions({ clock, dispatcher }));
  const executor = readingAhead(createCivoExecutor({ client, clock }));
  let named = 0;
  let refused = 0;
  for (let i = 0; i < cases; i += 1) {
    // What a turn of the event loop would give back is given back.
    if (i % 50 === 0) await nextTurn();
    const { signal } = new AbortController();
    given.length = 0;
    requests.length = 0;
    // No inventory serves for longer: each case has a list of its own.
    advance(MINUTE);
    const found = await executor.resolve(aNode(), signal);
    if (found.ok) named += 1;
    if (found.ok && found.target.instanceId !== INSTANCE_ID) wrong.push(`led to ${found.target.instanceId}`);
    given.length = 0;
    const receipt = await executor.reboot({ instanceId: INSTANCE_ID, hostname: "node-1" }, signal);
    const calls = requests.filter(({ method }) => method === "POST").length;
    if (calls > 1) wrong.push(`${calls} calls for one reboot`);
    const [answer] = given;
    if (receipt.outcome === "Rejected" && !maySayNo(answer))
      wrong.push(`a refusal in ${JSON.stringify(answer)}`);
    if (receipt.outcome === "Rejected") refused += 1;
    if (receipt.outcome === "NotSent" && calls > 0) wrong.push("a call that was sent is said to be not sent");
    if (JSON.stringify([found, receipt]).toLowerCase().includes(CANARY.toLowerCase()))
      wrong.push("the key is told");
  }
  return { wrong, told: `${named} named the VM, ${refused} refused the call` };
};

/** Only a 4xx says that surely nothing was done; a 5xx may follow a reboot, whatever it says. */
function maySayNo(answer: ScriptedAnswer | undefined): boolean {
  return answer !== undefined && "status" in answer && answer.status >= 400 && answer.status < 500;
}

function answerTo(random: Random, method: string, path: string): ScriptedAnswer {
  if (random.next() < 0.05) {
    const error = Object.assign(new Error(hostileText(random) + CANARY), { code: "ECONNRESET" });
    return { error, sent: random.next() < 0.5 };
  }
  return {
    status: STATUSES[random.integer(STATUSES.length)] ?? 200,
    body: bodyOf(random, method, path),
    headers: random.next() < 0.3 ? { "retry-after": hostileText(random).slice(0, 64) } : {},
  };
}

function bodyOf(random: Random, method: string, path: string): string {
  const usual =
    method === "POST"
      ? { result: "success" }
      : path.includes("/instances?") && path.includes("/clusters/")
        ? [anInstance(), anInstance({ id: OTHER_ID, hostname: "node-10" })]
        : anInstance();
  const choice = random.next();
  if (choice < 0.2) return JSON.stringify(usual);
  if (choice < 0.3) return refusalOf(random);
  if (choice < 0.7) return JSON.stringify(mutated(random, usual, 3));
  if (choice < 0.85) return garbled(random, JSON.stringify(usual));
  return choice < 0.95
    ? JSON.stringify(hostileValue(random))
    : `<html>${CANARY}${hostileText(random)}</html>`;
}

function refusalOf(random: Random): string {
  const code = CODES[random.integer(CODES.length)];
  return JSON.stringify(random.next() < 0.5 ? { code, reason: hostileText(random) } : { result: code });
}
