import { FLAPS_KEPT } from "../../core/flaps.ts";
import { LEDGER_TIMINGS } from "../../core/ledger/timings.ts";
import { DEFAULT_POLICY } from "../../core/policy.ts";
import {
  DEFAULT_BREAKER as BREAKER,
  DEFAULT_CURE_RATE as CURE_RATE,
  DEFAULT_LIMITS as LIMITS,
  DEFAULT_STORM_POLICY as STORM,
  type Share,
} from "../../core/storm/policy.ts";
import { boolean, duration, integer, list, POSITIVE, wordOf } from "./kinds.ts";
import { section, setting } from "./setting.ts";

const name = wordOf(/^[^\s\p{Cc}]{1,253}$/u, "a name without spaces");
const dnsName = wordOf(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/u, "a Kubernetes name");
const percent = integer(1, 100);

/** Whoever says stop wins; these stop by configuration. */
export const paused = section({
  fleet: setting(boolean, DEFAULT_POLICY.paused.fleet, { meaning: "Hold every reboot." }),
  pools: setting(list(name, "node pool ids"), [], { meaning: "Hold every reboot in these node pools." }),
  nodes: setting(list(name, "node names"), [], { meaning: "Hold every reboot of these nodes." }),
});

const share = (of: Share, nodes: string, what: string) =>
  section({
    count: setting(integer(0, 100_000), of.count, { meaning: `${what}, as a number.` }),
    percent: setting(integer(0, 100), of.percent, {
      meaning: `${what}, in percent of the nodes of the ${nodes}; the larger of count and percent counts, and at least one.`,
    }),
  });

/** How many repairs may be open, and how many may begin. */
export const limits = section({
  open: section({
    pool: share(LIMITS.open.pool, "pool", "Most repairs that may be open at once in one node pool"),
    zone: share(LIMITS.open.zone, "zone", "Most repairs that may be open at once in one zone"),
    cluster: share(LIMITS.open.cluster, "cluster", "Most repairs that may be open at once in the cluster"),
  }),
  rate: share(LIMITS.rate, "cluster", "Most repairs that may begin within an hour in the cluster"),
  nodePerDay: setting(integer(1, 1000), LIMITS.nodePerDay, {
    meaning: "Most repairs of one VM that may begin within a day.",
  }),
  override: setting(boolean, false, {
    meaning: "Accept limits that let more than half of a cluster be repaired at once.",
  }),
});

/** When failures are correlated. */
export const breaker = section({
  youngFor: setting(duration(POSITIVE), BREAKER.youngFor, {
    meaning: "Only failures that began within this span count for a breaker.",
  }),
  floor: setting(integer(1, 100_000), BREAKER.floor, {
    meaning: "Fewer young failures than this never open a breaker, whatever their share.",
  }),
  percent: section({
    zone: setting(percent, BREAKER.percent.zone, {
      meaning: "A zone of which this share of nodes fails is not repaired.",
    }),
    pool: setting(percent, BREAKER.percent.pool, {
      meaning: "A node pool of which this share of nodes fails is not repaired.",
    }),
    checker: setting(percent, BREAKER.percent.checker, {
      meaning: "A checker that fails on this share of the nodes repairs nothing.",
    }),
    cluster: setting(percent, BREAKER.percent.cluster, {
      meaning: "A cluster of which this share of nodes fails is not repaired.",
    }),
  }),
});

/** When repairs of one checker in one pool have stopped to help. */
export const cureRate = section({
  latest: setting(integer(1, 1000), CURE_RATE.latest, {
    meaning: "The latest results of one checker in one node pool that the cure rate is counted over.",
  }),
  minimum: setting(integer(1, 1000), CURE_RATE.minimum, {
    meaning: "Fewer results than this neither slow repairs down nor stop them; at most cureRate.latest.",
  }),
  slowBelow: setting(integer(0, 100), CURE_RATE.slowBelow, {
    meaning:
      "Below this share of cures, in percent, with repairs in flight counted as not cured, that checker repairs one node at a time in that pool.",
  }),
  stopBelow: setting(integer(0, 100), CURE_RATE.stopBelow, {
    meaning:
      "Below this share of cures among the results, in percent, that checker repairs nothing more in that pool until an operator grants it or the results are a day old.",
  }),
});

/** What a repaired node must show. */
export const storm = section({
  recoveredAfter: setting(duration(), STORM.recoveredAfter, {
    meaning:
      "How long a rebooted node must stay healthy before its place in the limits is free; curedAfter if that is shorter.",
  }),
  curedAfter: setting(duration(), STORM.curedAfter, {
    meaning:
      "How long a rebooted node must stay healthy before the reboot counts as a cure; a failure before that continues the incident and its attempts.",
  }),
  settle: setting(duration(), STORM.settle, {
    meaning: "How long after its boot a node is left to come up.",
  }),
});

/** When a node is reported as flapping. */
export const flapping = section({
  threshold: setting(integer(2, FLAPS_KEPT), DEFAULT_POLICY.flapping.threshold, {
    meaning:
      "Changes from Fail to Pass of one checker within an hour from which on a node is reported as flapping.",
  }),
});

/** How long the work and the marks of others hold repairs, and when that is reported. */
export const plannedWork = section({
  maxAge: setting(duration(POSITIVE), DEFAULT_POLICY.plannedWork.maxAge, {
    meaning: "How long planned work of another controller holds repairs; older work is stuck, and told.",
  }),
});
export const foreignOwner = section({
  staleAfter: setting(duration(POSITIVE), DEFAULT_POLICY.foreignOwner.staleAfter, {
    meaning: "A mark of another owner that holds a repair for longer is reported; it stays a hold.",
  }),
});

/** Where the ledger of reboots lives, and the spans that protect its windows. */
export const ledger = section({
  namespace: setting(dnsName, "node-agent-system", { meaning: "Namespace of the ledger's ConfigMap." }),
  name: setting(dnsName, "node-agent-ledger", { meaning: "Name of the ledger's ConfigMap." }),
  clockSkew: setting(duration(POSITIVE), LEDGER_TIMINGS.clockSkew, {
    meaning:
      "How far clocks may be apart; beyond it nothing is rebooted, and every window is this much longer.",
  }),
  margin: setting(duration(), LEDGER_TIMINGS.margin, {
    meaning: "How late a cloud may still carry out a call; every window is this much longer.",
  }),
  heartbeatMaxAge: setting(duration(POSITIVE), LEDGER_TIMINGS.heartbeatMaxAge, {
    meaning: "A ledger that nobody wrote to for so long is put in quarantine: it may be a restored backup.",
  }),
  keep: setting(duration(POSITIVE), LEDGER_TIMINGS.keep, {
    meaning: "How long settled reboots stay in the ledger.",
  }),
});
