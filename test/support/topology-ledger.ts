import {
  connectKubernetes,
  createConfigMapLedger,
  createLedger,
  readClusterUid,
  type KubernetesConnection,
  type LedgerLocation,
} from "@node-agent/kubernetes";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { eventually } from "./eventually.ts";

/** The ledger of a topology, as an operator gets at it, and the way to the API server that it stands on. */
export interface TopologyLedger extends AsyncDisposable {
  readonly connection: KubernetesConnection;
  /** The ledger now. Throws when it cannot be read. */
  read(): Promise<Ledger>;
  /** Changes it by compare-and-set, as often as it takes. */
  update(step: (ledger: Ledger) => Ledger): Promise<void>;
}

/** Creates the ledger of a simulated cluster, which is what active mode cannot do without. Its namespace must exist. */
export async function createTopologyLedger(
  kubeconfig: string,
  location: LedgerLocation,
): Promise<TopologyLedger> {
  const connection = connectKubernetes({ kubeconfig, userAgent: "test", clock: systemClock });
  const cluster = await readClusterUid(connection);
  const write = await createLedger(connection, location, emptyLedger(cluster, "test", systemClock.now()));
  if (write.outcome !== "Written") throw new Error(`the ledger was not created: ${write.why}`);
  const store = createConfigMapLedger(connection, location);
  const found = async () => {
    const reading = await store.read();
    if (reading.state !== "Found") throw new Error(`no ledger: ${reading.why}`);
    return reading;
  };
  return {
    connection,
    read: async () => (await found()).ledger,
    update: async (step) =>
      eventually(
        async () => {
          const { ledger, version } = await found();
          const { outcome } = await store.compareAndWrite(step(ledger), version);
          if (outcome !== "Written") throw new Error(`the ledger was not written: ${outcome}`);
        },
        { within: 30_000, every: 5 },
      ),
    [Symbol.asyncDispose]: async () => connection.close(),
  };
}
