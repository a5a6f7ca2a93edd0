import { CHECKER_NAMES } from "../check.ts";
import { tell } from "../event-story.ts";
import { flapsWithin } from "../flaps.ts";
import type { Notice } from "./notice.ts";

/** A checker of this node changed between Fail and Pass too often within the hour; noticed again after it calmed down. */
export const nodeFlapping: Notice = (before, after, now) => {
  const fresh = CHECKER_NAMES.flatMap((checker) => {
    const flaps = after.flaps?.[checker];
    const since = flaps?.flappingSince;
    const known = before?.flaps?.[checker]?.flappingSince;
    return flaps === undefined || since === undefined || known === since ? [] : [{ checker, flaps, since }];
  });
  if (fresh.length === 0) return undefined;
  const counted = fresh.map(({ checker, flaps }) => `${checker} ${flapsWithin(flaps, now)} times`);
  return tell(after, now, {
    reason: "NodeFlapping",
    type: "Warning",
    message: `the node flaps: ${counted.join(", ")} from Fail to Pass within the hour. A repair is due if it fails for more than half of the time; see node-agent explain`,
    of: fresh.map(({ checker, since }) => `${checker}@${since}`),
  });
};
