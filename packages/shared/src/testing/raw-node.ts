/** A Node as the API server would send it on a watch: JSON with timestamps as strings. */
export interface RawNode {
  readonly apiVersion: "v1";
  readonly kind: "Node";
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
  };
  readonly spec: {
    readonly providerID?: string;
    readonly unschedulable?: true;
    readonly taints: RawTaint[];
  };
  readonly status: {
    readonly capacity: Record<string, string>;
    readonly allocatable: Record<string, string>;
    readonly conditions: RawCondition[];
    readonly nodeInfo: Record<string, string>;
  };
}

/** One entry of `spec.taints` of a `RawNode`. */
export interface RawTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** One entry of `status.conditions` of a `RawNode`. */
export interface RawCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastHeartbeatTime: string;
  readonly lastTransitionTime: string;
}

/** What a node builder has been told so far; instants in milliseconds. */
export interface NodeDraft {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: number;
  readonly deletedAt?: number;
  readonly since: number;
  readonly heartbeatAt: number;
  readonly providerId?: string;
  readonly bootId: string;
  readonly kubeletVersion: string;
  readonly unschedulable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly taints: readonly RawTaint[];
  readonly resources: Readonly<Record<string, { readonly capacity: string; readonly allocatable: string }>>;
  readonly conditions: Readonly<
    Record<string, { readonly status: string; readonly reason: string; readonly since: number }>
  >;
}

/** The draft as a Node object, with nothing shared between two calls. */
export function rawNode(name: string, draft: NodeDraft): RawNode {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: draft.uid,
      resourceVersion: draft.resourceVersion,
      creationTimestamp: timestamp(draft.createdAt),
      ...(draft.deletedAt === undefined ? {} : { deletionTimestamp: timestamp(draft.deletedAt) }),
      labels: { ...draft.labels },
      annotations: { ...draft.annotations },
    },
    spec: {
      ...(draft.providerId === undefined ? {} : { providerID: draft.providerId }),
      ...(draft.unschedulable ? { unschedulable: true } : {}),
      taints: draft.taints.map((taint) => ({ ...taint })),
    },
    status: {
      ...quantitiesOf(draft),
      conditions: conditionsOf(draft),
      nodeInfo: { bootID: draft.bootId, kubeletVersion: draft.kubeletVersion, operatingSystem: "linux" },
    },
  };
}

function quantitiesOf(draft: NodeDraft): Pick<RawNode["status"], "capacity" | "allocatable"> {
  const capacity: Record<string, string> = { cpu: "4", memory: "16Gi", pods: "110" };
  const allocatable: Record<string, string> = { cpu: "3800m", memory: "15Gi", pods: "110" };
  for (const [name, quantities] of Object.entries(draft.resources)) {
    capacity[name] = quantities.capacity;
    allocatable[name] = quantities.allocatable;
  }
  return { capacity, allocatable };
}

function conditionsOf(draft: NodeDraft): RawCondition[] {
  return Object.entries(draft.conditions).map(([type, { status, reason, since }]) => ({
    type,
    status,
    reason,
    message: `${type} is ${status}`,
    lastHeartbeatTime: timestamp(draft.heartbeatAt),
    lastTransitionTime: timestamp(since),
  }));
}

/** As Kubernetes writes a metav1.Time: whole seconds. */
function timestamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}
