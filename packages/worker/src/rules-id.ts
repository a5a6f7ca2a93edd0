import { fnv1a64 } from "@node-agent/shared/core/fnv1a.ts";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";

/**
 * Names the rules by which a worker judges: its version and its policy. A node that was judged by rules that no living
 * worker has is judged again at the next resync, so a changed policy reaches nodes on which nothing changes.
 */
export function rulesId({ policy }: Pick<Rules, "policy">): string {
  return fnv1a64(`${VERSION} ${JSON.stringify(policy)}`);
}
