import { chmod, writeFile } from "node:fs/promises";
import { CivoApi } from "./civo-api/civo-api.ts";
import { civoErrorBody } from "./civo-api/civo-error.ts";
import { controlListener } from "./control/control-api.ts";
import { FaultBook } from "./faults/fault-book.ts";
import type { Api } from "./faults/fault.ts";
import { apiListener } from "./http/api-listener.ts";
import { listenOnLoopback, type LoopbackServer, type OutageKind } from "./http/loopback-server.ts";
import { RequestLog } from "./http/request-log.ts";
import { kubeconfigYaml } from "./kubeconfig.ts";
import { newClusterStore } from "./kubernetes-api/cluster-store.ts";
import { KUBERNETES_VERSION } from "./kubernetes-api/discovery.ts";
import { seedLedger } from "./kubernetes-api/seeded-ledger.ts";
import { KubernetesApi } from "./kubernetes-api/kubernetes-api.ts";
import { statusBody } from "./kubernetes-api/status-error.ts";
import { madeUpKey, madeUpToken, withDefaults, type SimulatorOptions } from "./options/options.ts";
import { loopbackCertificate } from "./tls.ts";
import { refreshAgentPods, refreshSlices, type AgentPodParts } from "./world/agent-pods.ts";
import { refreshLeases } from "./world/leases.ts";
import { Random } from "./world/random.ts";
import { scaleTimings } from "./world/timings.ts";
import { World } from "./world/world.ts";

/** A cluster and a cloud that run in this process; everything the control endpoint does is a method here. */
export interface Simulator extends AsyncDisposable {
  /** `token` is the one accepted now; `caData` is base64 of the PEM, absent without TLS. */
  readonly kubernetes: {
    readonly url: string;
    readonly token: string;
    readonly caData: string | undefined;
    readonly api: KubernetesApi;
    readonly server: LoopbackServer;
  };
  readonly civo: {
    readonly url: string;
    readonly apiKey: string;
    readonly clusterId: string;
    readonly region: string;
    readonly api: CivoApi;
    readonly server: LoopbackServer;
  };
  readonly control: { readonly url: string };
  readonly cluster: string;
  readonly timeScale: number;
  readonly world: World;
  readonly faults: FaultBook;
  readonly requests: RequestLog;
  /** The kubeconfig as YAML, with the token that is accepted now, or pointing at a file that holds one. */
  kubeconfig(tokenFile?: string): string;
  /** Takes a whole API down (`refuse`: no connections; `hang`: no answers) or back up (`off`). */
  outage(api: Api, kind: OutageKind | "off"): Promise<void>;
  /** Only the new token (a made-up one by default) is accepted from now on; returns it. Rewrites the kubeconfig file. */
  rotateToken(token?: string): Promise<string>;
  /** Only the new Civo key is accepted from now on; returns it. */
  rotateApiKey(apiKey?: string): string;
  close(): Promise<void>;
}

/** Starts a simulator on 127.0.0.1; it is ready when the promise resolves. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  // Whatever was started before something fails (a port that is taken) is stopped again.
  await using started = new AsyncDisposableStack();
  const random = new Random((options.seed ?? 1) + 0x5eed);
  const settings = withDefaults(options, random);
  const { clock, cluster, clusterId, region, timeScale, ports } = settings;
  const timings = scaleTimings(settings.timings, timeScale);
  const store = newClusterStore({
    clock,
    random,
    history: settings.history,
    refreshLeases: (namespace, name) =>
      refreshLeases({ world, leases: store.leases, nodes: store.nodes, random }, namespace, name),
    refreshPods: () => refreshAgentPods(agents()),
    refreshSlices: () => refreshSlices(agents()),
  });
  const agents = (): AgentPodParts => ({ ...store, world, random, cni: settings.cni });
  if (settings.ledger !== undefined) seedLedger(store, settings.ledger, clock.now());
  const { poolLabel, cni, bulk } = settings;
  const look = { region, poolLabel, cni, bulk, kubeletVersion: KUBERNETES_VERSION };
  const world = started.use(
    new World({ ...settings, nodes: store.nodes, events: store.events, timings, look }),
  );
  const faults = new FaultBook(random);
  const requests = new RequestLog();
  const silent = new Set<Api>();
  const kubernetesApi = new KubernetesApi({
    store,
    clock,
    scheduler: world.scheduler,
    random,
    bookmarkPeriod: timings.bookmarkPeriod,
    continueToken: timings.continueToken,
    token: settings.token,
  });
  const civoApi = new CivoApi({
    world,
    apiKey: settings.apiKey,
    region,
    clusterId,
    clusterName: cluster,
    cni,
    kubeconfig: () => kubeconfig(),
    kubernetesUrl: () => servers.kubernetes.url,
  });
  const shared = { clock, faults, log: requests };
  const tls = settings.tls ? await loopbackCertificate(clock.now()) : undefined;
  const caData = tls === undefined ? undefined : Buffer.from(tls.cert).toString("base64");
  const listen: typeof listenOnLoopback = async (listener, at) =>
    started.adopt(await listenOnLoopback(listener, at), (server) => server.close());
  const servers: Readonly<Record<Api, LoopbackServer>> = {
    kubernetes: await listen(
      apiListener({
        ...shared,
        api: "kubernetes",
        handle: (request) => kubernetesApi.handle(request),
        errorBody: (status) => ({ body: statusBody(status) }),
        isSilent: () => silent.has("kubernetes"),
      }),
      { port: ports.kubernetes, tls },
    ),
    civo: await listen(
      apiListener({
        ...shared,
        api: "civo",
        handle: (request, receivedAt) => civoApi.handle(request, receivedAt),
        errorBody: civoErrorBody,
        isSilent: () => silent.has("civo"),
      }),
      { port: ports.civo },
    ),
  };
  const kubeconfig = (tokenFile?: string): string =>
    kubeconfigYaml({
      cluster,
      url: servers.kubernetes.url,
      caData,
      token: tokenFile === undefined ? kubernetesApi.token : { file: tokenFile },
    });
  const writeKubeconfig = async (): Promise<void> => {
    const file = settings.writeKubeconfig;
    if (file === undefined) return;
    await writeFile(file, kubeconfig(), { mode: 0o600 });
    await chmod(file, 0o600);
  };

  const simulator: Simulator = {
    kubernetes: {
      url: servers.kubernetes.url,
      get token() {
        return kubernetesApi.token;
      },
      caData,
      api: kubernetesApi,
      server: servers.kubernetes,
    },
    civo: {
      url: servers.civo.url,
      get apiKey() {
        return civoApi.apiKey;
      },
      clusterId,
      region,
      api: civoApi,
      server: servers.civo,
    },
    get control() {
      return { url: controlServer.url };
    },
    cluster,
    timeScale,
    world,
    faults,
    requests,
    kubeconfig,
    outage: async (api, kind) => {
      silent.delete(api);
      if (kind === "refuse") {
        await servers[api].refuse();
        return;
      }
      await servers[api].accept();
      if (kind !== "hang") return;
      silent.add(api);
      if (api === "kubernetes") kubernetesApi.disturbWatches("freeze");
    },
    rotateToken: async (token = madeUpToken(random)) => {
      kubernetesApi.rotateToken(token);
      await writeKubeconfig();
      return token;
    },
    rotateApiKey: (apiKey = madeUpKey(random)) => {
      civoApi.rotateKey(apiKey);
      return apiKey;
    },
    close: () => running.disposeAsync(),
    [Symbol.asyncDispose]: () => simulator.close(),
  };
  const controlServer = await listen(controlListener(simulator), { port: ports.control });
  await writeKubeconfig();
  const running = started.move();
  return simulator;
}
