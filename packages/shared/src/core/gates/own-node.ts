import { open, shut, type Gate } from "./gate.ts";

/**
 * A worker leaves the node that it runs on to another, and the node of Redis goes last: who reboots the ground below
 * itself sees to nothing until it is up again.
 *
 * Both end by themselves. A worker holds only while another one lives that is not known to run on the node; one that does
 * not know where it runs counts, because it will not hold and so does it. Redis's node waits for the end of open reboots,
 * and a worker that is alone waits for nobody.
 */
export const ownNode: Gate = ({ record, hosting, policy, now }) => {
  if (hosting === undefined) return open("OwnNode", "nobody knows what runs on it");
  const { own, others, redis = false, openReboots } = hosting;
  const elsewhere = others.filter(({ node }) => node !== record.name).length;
  if (own === record.name && elsewhere > 0) {
    // Short: whichever worker is free takes the job, and it need not be the one that just gave it away.
    const until = now + policy.viewMaxAge / 18;
    return shut("OwnNode", `the worker runs on it, and ${counted(elsewhere, "other")} can reboot it`, until);
  }
  if (redis && others.length > 0 && openReboots > 0) {
    const why = `Redis runs on it, and it goes after ${counted(openReboots, "open reboot")}`;
    return shut("OwnNode", why, now + policy.viewMaxAge / 2);
  }
  return open("OwnNode", whyOpen(own === record.name, own === undefined, redis));
};

function whyOpen(isOwn: boolean, unknown: boolean, redis: boolean): string {
  if (isOwn) return "the worker runs on it, and no other can reboot it";
  if (redis) return "Redis runs on it, and it waits for nobody";
  return unknown
    ? "a worker that runs on it leaves it to another"
    : "neither the worker nor Redis is known to run on it";
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
