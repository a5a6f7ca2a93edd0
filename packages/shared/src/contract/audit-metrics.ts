import { DRIFT_CACHES, DRIFT_KINDS, VIEW_PROBE_RESULTS } from "./drift.ts";

/** Metrics of the comparisons of our caches with what they copy. */
export const AUDIT_METRICS = {
  cacheDrift: {
    name: "civo_node_agent_cache_drift_total",
    type: "counter",
    help: "Nodes by which a cache differed from its source although nothing was on its way; each was repaired.",
    labels: ["cache", "kind"],
    values: { cache: DRIFT_CACHES, kind: DRIFT_KINDS },
    roles: ["watcher", "worker"],
  },
  viewProbes: {
    name: "civo_node_agent_view_probes_total",
    type: "counter",
    help: "Comparisons of a watcher's view with the version of the API server, by result.",
    labels: ["result"],
    values: { result: VIEW_PROBE_RESULTS },
    roles: ["watcher"],
  },
} as const;
