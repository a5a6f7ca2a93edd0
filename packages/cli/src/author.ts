import { readOwnName, type KubernetesConnection } from "@node-agent/kubernetes";
import { cutToBytes, plainLine } from "@node-agent/shared/core/plain-text.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Terminal } from "./terminal.ts";

/** An order does not wait longer for the name of the person who gives it. */
const PATIENCE: Millis = 5 * SECOND;
/** In bytes; both together fit everywhere a name is kept. */
const LONGEST_USER = 128;
const LONGEST_LOCAL = 100;

/**
 * Who gives an order, as it is kept: the user that the API server authenticated, then in brackets the one of this machine,
 * because several people may share the first. A server that does not tell it leaves the second alone; never rejects.
 */
export async function authorOf(
  connection: KubernetesConnection,
  { who }: Pick<Terminal, "who">,
): Promise<string> {
  const told = await readOwnName(connection, PATIENCE).catch(() => "");
  const user = cutToBytes(plainLine(told), LONGEST_USER);
  const local = cutToBytes(plainLine(who), LONGEST_LOCAL);
  return user === "" ? local : `${user} (${local})`;
}
