import { rebootWaitOf } from "../due.ts";
import { endOf, isMarked, OPT_OUT_ANNOTATION, stands } from "../pause.ts";
import { open, shut, shutUntil, type Gate } from "./gate.ts";

/** Somebody said stop: for the fleet, the pool or the node; in the configuration, the ledger or an annotation. */
export const paused: Gate = ({ pauses = [], now, policy }) => {
  const standing = pauses.filter((pause) => stands(pause, now));
  const [first] = standing;
  if (first === undefined) return open("Paused", "nobody paused it");
  // Asked again long before its end: a person may end it earlier.
  const asked = Math.min(now + policy.viewMaxAge / 2, endOf(standing) ?? Infinity);
  return shut("Paused", `${first.level} (${first.source}): ${first.why}`, asked);
};

/** The configuration leaves this node out: nobody repairs what nobody was asked to look after (guard G8). */
export const notSelected: Gate = ({ selected = true, now, policy }) =>
  selected
    ? open("NotSelected", "it is looked after")
    : shut(
        "NotSelected",
        "nodePools, includeControlPlane or includeVirtual leave it out",
        now + policy.viewMaxAge,
      );

/** Two nodes that name one VM: at least one of them is not what it says it is, and both are left alone (I6). */
export const identity: Gate = ({ node, fleet, now, policy }) => {
  if (node === undefined || fleet === undefined) return open("Identity", "the fleet was not looked at yet");
  const named = node.providerId === undefined ? [] : (fleet.claimants.get(node.providerId) ?? []);
  const others = named.filter((name) => name !== node.name);
  if (others.length === 0) return open("Identity", "no other node names its VM");
  return shut("Identity", `${others.slice(0, 3).join(", ")} names the same VM`, now + policy.viewMaxAge / 2);
};

/** The node carries our opt-out annotation. */
export const optOut: Gate = ({ node, now, policy }) =>
  node !== undefined && isMarked(node, OPT_OUT_ANNOTATION)
    ? shut("OptOut", `annotation ${OPT_OUT_ANNOTATION}`, now + policy.viewMaxAge)
    : open("OptOut", "it did not opt out");

/**
 * A node that booted a moment ago is given time to come up. A boot that was not ours was somebody else's reboot, and
 * counts as one: it keeps the whole wait.
 */
export const settle: Gate = ({ record, policy, now }) => {
  const { bootSeenAt = 0, foreignBootAt = 0 } = record;
  // Nobody saw a boot in the future: forged bytes must not hold a node for longer than a boot now would.
  const settled = bootSeenAt === 0 ? 0 : Math.min(bootSeenAt, now) + policy.storm.settle;
  const waited = foreignBootAt === 0 ? 0 : Math.min(foreignBootAt, now) + rebootWaitOf(record, policy);
  if (waited > now && waited >= settled) return shutUntil("Settle", "something else rebooted it", waited);
  return settled > now
    ? shutUntil("Settle", "it booted a moment ago", settled)
    : open("Settle", "no boot was seen lately");
};
