import { FLAPS_KEPT } from "../../core/flaps.ts";
import { LEDGER_TIMINGS } from "../../core/ledger/timings.ts";
import { DEFAULT_POLICY } from "../../core/policy.ts";
import { DEFAULT_STORM_POLICY } from "../../core/storm/policy.ts";
import { boolean, duration, integer, list, POSITIVE, wordOf } from "./kinds.ts";
import { section, setting } from "./setting.ts";

const STORM = DEFAULT_STORM_POLICY;
const { budgets: BUDGETS } = STORM;
const name = wordOf(/^[^\s\p{Cc}]{1,253}$/u, "a name without spaces");
const dnsName = wordOf(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/u, "a Kubernetes name");
const percent = integer(1, 100);

/** Whoever says stop wins; these stop by configuration. */
export const paused = section({
  fleet: setting(boolean, DEFAULT_POLICY.paused.fleet, { meaning: "Hold every reboot." }),
  pools: setting(list(name, "node pool ids"), [], { meaning: "Hold every reboot in these node pools." }),
  nodes: setting(list(name, "node names"), [], { meaning: "Hold every reboot of these nodes." }),
});

/** How many reboots may be open, and when many failures are one. */
export const storm = section({
  budgets: section({
    pool: setting(integer(1, 1000), BUDGETS.pool, { meaning: "Most open reboots in one node pool." }),
    zone: setting(integer(1, 1000), BUDGETS.zone, { meaning: "Most open reboots in one zone." }),
    cluster: setting(integer(1, 1000), BUDGETS.cluster, { meaning: "Most open reboots in the cluster." }),
    clusterPercent: setting(percent, BUDGETS.clusterPercent, {
      meaning: "Most open reboots as a share of all nodes, in percent; one is always allowed.",
    }),
    perHour: setting(integer(1, 100_000), BUDGETS.perHour, { meaning: "Most reboots within an hour." }),
    perDay: setting(integer(1, 1_000_000), BUDGETS.perDay, { meaning: "Most reboots within a day." }),
    nodePerDay: setting(integer(1, 1000), BUDGETS.nodePerDay, {
      meaning: "Most reboots of one VM within a day.",
    }),
    spacing: setting(duration(), BUDGETS.spacing, { meaning: "The least time between two reboots." }),
    override: setting(boolean, false, {
      meaning: "Accept budgets that let more than half of a cluster be rebooted at once.",
    }),
  }),
  unhealthyPercent: setting(percent, STORM.unhealthyPercent, {
    meaning: "From this share of unhealthy nodes on, in the cluster or in a zone, nothing is rebooted.",
  }),
  checkerPercent: setting(percent, STORM.checkerPercent, {
    meaning: "A checker that fails on this share of the nodes is not believed.",
  }),
  burst: setting(integer(1, 100_000), STORM.burst, {
    meaning: "More nodes than this that begin to fail within burstWithin are one event, and hold.",
  }),
  burstWithin: setting(duration(POSITIVE), STORM.burstWithin, {
    meaning: "The span that a burst is counted in.",
  }),
  floor: setting(integer(1, 100_000), STORM.floor, {
    meaning: "Fewer unhealthy nodes than this are never a storm, whatever their share.",
  }),
  uncured: setting(integer(1, 1000), STORM.uncured, {
    meaning: "After so many reboots of different nodes in a row without a cure, an operator must grant more.",
  }),
  recoveredAfter: setting(duration(), STORM.recoveredAfter, {
    meaning:
      "How long a rebooted node must stay healthy before its place in the budgets is free; curedAfter if that is shorter.",
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
