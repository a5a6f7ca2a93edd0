import { GRANT_SCOPES } from "../core/ledger/standing-orders.ts";
import type { MetricDefinition } from "./metric-definition.ts";

/** What the ledger says of the whole cluster, as a worker in active mode read it last. */
export const LEDGER_METRICS = {
  grants: {
    name: "civo_node_agent_grants",
    type: "gauge",
    help: "Grants in force, by what they cover, as this worker last read the ledger: aggregate with max. Absent when it has not read it within ledger.heartbeatMaxAge.",
    labels: ["scope"],
    values: { scope: GRANT_SCOPES },
    roles: ["worker"],
  },
  grantRemaining: {
    name: "civo_node_agent_grant_remaining_seconds",
    type: "gauge",
    help: "Seconds until the grant that lasts longest ends by itself; only where one is in force.",
    labels: ["scope"],
    values: { scope: GRANT_SCOPES },
    roles: ["worker"],
  },
} as const satisfies Record<string, MetricDefinition>;
