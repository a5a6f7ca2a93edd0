import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foreignHold } from "@node-agent/shared/core/foreign-hold.ts";
import { FOREIGN_MARKS, foreignKeys, type ForeignMark } from "@node-agent/shared/core/foreign-marks.ts";
import { countRecords } from "@node-agent/shared/core/record-gauges.ts";
import { DAY, HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { NodeLife } from "./node-life.ts";
import { ACTIVE, NOON } from "./timeline.ts";

const CANDIDATE = "DeletionCandidateOfClusterAutoscaler";
const TO_DELETE = "ToBeDeletedByClusterAutoscaler";
const DISABLED = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt";

const unix = (at: number): string => String(Math.floor(at / SECOND));
const DEAD = aNode().unknown();
const PRESSED = aNode().diskPressure();

/** The node with a mark, set as its owner sets it. */
function withMark(node: NodeBuilder, { key, at, setAt }: ForeignMark, value?: string): NodeBuilder {
  if (key === "metadata.deletionTimestamp") return node.deletedAt(NOON);
  if (key === "spec.unschedulable") return node.cordoned();
  const set = value ?? (setAt === "RFC3339" ? new Date(NOON).toISOString() : "true");
  if (at.includes("taint"))
    return node.taint(key, "NoSchedule", value ?? (setAt === undefined ? undefined : unix(NOON)));
  return at.includes("label") ? node.label(key, set) : node.annotation(key, set);
}

/** A dead node with the soft taint of the cluster autoscaler. */
function candidate(value: string | undefined): NodeBuilder {
  return DEAD.taint(CANDIDATE, "PreferNoSchedule", value);
}

function cordonWhy(node: NodeBuilder): string | undefined {
  return foreignHold(node.cordoned().snapshot(), undefined, ACTIVE, NOON)?.why;
}

function holds(node: NodeBuilder, now = NOON): boolean {
  return foreignHold(node.snapshot(), undefined, ACTIVE, now) !== undefined;
}

describe("the meaning of a mark", () => {
  const owners = FOREIGN_MARKS.filter(({ meaning }) => meaning === "owns");
  const protectors = FOREIGN_MARKS.filter(({ meaning }) => meaning === "protects");

  test.each(owners.map((mark) => [mark.key, mark] as const))("%s owns: every step waits", (_, mark) => {
    for (const node of [DEAD, PRESSED]) expect(holds(withMark(node, mark))).toBe(true);
  });

  test.each(protectors.map((mark) => [mark.key, mark] as const))(
    "%s protects: a reboot of a node whose kubelet works waits",
    (_, mark) => {
      expect(holds(withMark(DEAD, mark))).toBe(false);
      expect(holds(withMark(aNode().notReady(), mark))).toBe(false);
      expect(holds(withMark(PRESSED, mark))).toBe(true);
    },
  );

  test("there are marks of both meanings", () => {
    expect(protectors.map(({ key }) => key)).toEqual([DISABLED, DO_NOT_DISRUPT]);
    expect(owners.length).toBeGreaterThan(10);
  });

  test.each([
    ["the machine of Cluster API, which every node of it has for life", "cluster.x-k8s.io/machine"],
    ["the name of its cluster", "cluster.x-k8s.io/cluster-name"],
  ])("%s is no claim", (_, key) => expect(holds(DEAD.annotation(key, "default/machine-1"))).toBe(false));

  test("a label that only keeps a node out of zone statistics is none", () => {
    expect(holds(PRESSED.label("node.kubernetes.io/exclude-disruption", "true"))).toBe(false);
  });
});

describe("the value of a mark", () => {
  test.each([DISABLED, DO_NOT_DISRUPT])("%s: false is no mark, in any case of letters", (key) => {
    for (const value of ["false", "False", " FALSE "]) {
      expect(holds(PRESSED.annotation(key, value))).toBe(false);
    }
  });

  test.each([DISABLED, DO_NOT_DISRUPT])(
    "%s: any other value is one, and is named if it is not known",
    (key) => {
      expect(
        foreignHold(PRESSED.annotation(key, "true").snapshot(), undefined, ACTIVE, NOON)?.why,
      ).not.toMatch(/not known/u);
      for (const value of ["", "yes", "0", "no", "15m"]) {
        const hold = foreignHold(PRESSED.annotation(key, value).snapshot(), undefined, ACTIVE, NOON);
        expect(hold?.why).toMatch(/a value that is not known and counts as set/u);
      }
    },
  );

  test("a taint is set by being there, whatever its value", () => {
    expect(holds(DEAD.taint("karpenter.sh/disrupted", "NoSchedule", "false"))).toBe(true);
  });

  test("a state of NVSentinel that is not known counts as set", () => {
    const hold = foreignHold(
      DEAD.label("dgxc.nvidia.com/nvsentinel-state", "replacing").snapshot(),
      undefined,
      ACTIVE,
      NOON,
    );
    expect(hold?.why).toMatch(/nvsentinel-state=replacing, a value that is not known/u);
  });
});

describe("the age of a mark", () => {
  test("a soft taint of the autoscaler counts for an hour, by the time in its value", () => {
    expect(holds(candidate(unix(NOON - 59 * MINUTE)))).toBe(true);
    expect(holds(candidate(unix(NOON - 60 * MINUTE)))).toBe(false);
    expect(holds(candidate("1742817600"))).toBe(false);
  });

  test("the time in its value wins over the time of first sight, in both directions", () => {
    const old = new NodeLife().sees(candidate("1742817600"));
    expect(old.gate("ForeignOwner").open).toBe(true);
    const fresh = new NodeLife().sees(candidate(unix(NOON)), 2 * HOUR).sees(candidate(unix(NOON + 2 * HOUR)));
    expect(fresh.gate("ForeignOwner").open).toBe(false);
  });

  test.each([undefined, "", "soon", "99999999999", "-1"])(
    "a value of %j counts from first sight",
    (value) => {
      const life = new NodeLife().sees(candidate(value), 50 * MINUTE);
      expect(life.gate("ForeignOwner").open).toBe(false);
      expect(life.sees(candidate(value), 20 * MINUTE).gate("ForeignOwner").open).toBe(true);
    },
  );

  test("the hard taint and a deletion hold for ever", () => {
    expect(holds(DEAD.taint(TO_DELETE, "NoSchedule", "1742817600"))).toBe(true);
    expect(holds(DEAD.deletedAt(NOON - 365 * DAY))).toBe(true);
  });
});

describe("a hold that is old", () => {
  const held = DEAD.taint("medik8s.io/remediation");

  test("stays, is told once, says since when and whom to ask, and is counted", () => {
    const life = new NodeLife().sees(held, 13 * HOUR, 10 * MINUTE);
    expect(life.gate("ForeignOwner")).toMatchObject({
      open: false,
      why: "taint medik8s.io/remediation: medik8s repairs it; since 2026-11-23T12:00:00Z, longer than 12 h: ask medik8s",
    });
    expect(life.notices.filter((reason) => reason === "ForeignHoldStale")).toHaveLength(1);
    expect(life.messages.join()).toMatch(
      /since 2026-11-23T12:00:00Z, longer than foreignOwner\.staleAfter\. Ask medik8s/u,
    );
    expect(
      countRecords(life.record === undefined ? [] : [life.record]).filter(
        ({ gauge }) => gauge === "foreignHoldNodes",
      ),
    ).toMatchObject([{ labels: { mark: "medik8s.io/remediation", state: "stale" }, count: 1 }]);
  });

  test("is quiet before that, and says what holds", () => {
    const life = new NodeLife().sees(held, 11 * HOUR, 10 * MINUTE);
    expect(life.notices).not.toContain("ForeignHoldStale");
    expect(life.gate("ForeignOwner").why).toBe("taint medik8s.io/remediation: medik8s repairs it");
  });

  test("on a node that is well holds nothing: nothing is told and nothing counted", () => {
    const life = new NodeLife().sees(aNode().cordoned().annotation(DO_NOT_DISRUPT, "true"), 48 * HOUR, HOUR);
    expect(life.notices).toEqual([]);
    expect(JSON.stringify(life.record)).not.toMatch(/holds|told/u);
  });

  test("is told again in the next incident", () => {
    const life = new NodeLife().sees(held, 13 * HOUR, HOUR).sees(aNode().taint("medik8s.io/remediation"));
    life.sees(held, HOUR, 10 * MINUTE);
    expect(life.notices.filter((reason) => reason === "ForeignHoldStale")).toHaveLength(2);
  });

  test("of a node without a machine is never told: it stands for as long as the node", () => {
    const life = new NodeLife().sees(DEAD.taint("kwok.x-k8s.io/node"), 48 * HOUR, HOUR);
    expect(life.notices).not.toContain("ForeignHoldStale");
    expect(life.gate("ForeignOwner").open).toBe(false);
  });

  test("follows the setting", () => {
    const life = new NodeLife({ foreignOwner: { staleAfter: 10 * MINUTE } }).sees(held, 11 * MINUTE);
    expect(life.notices).toContain("ForeignHoldStale");
  });
});

describe("a cordon", () => {
  test.each<[string, NodeBuilder, string]>([
    ["nothing", DEAD, "cordoned; nothing on the node says by whom"],
    [
      "NVSentinel's labels",
      DEAD.label("k8saas.nvidia.com/cordon-by", "NVSentinel").label(
        "k8saas.nvidia.com/cordon-reason",
        "GPU-fatal-error-ruleset",
      ),
      "cordoned by NVSentinel (reason GPU-fatal-error-ruleset)",
    ],
    ["labels without a prefix", DEAD.label("cordon-by", "NVSentinel"), "cordoned by NVSentinel"],
    [
      "NVSentinel's annotation",
      DEAD.annotation("quarantineHealthEventIsCordoned", "True"),
      "cordoned by NVSentinel",
    ],
    [
      "a driver upgrade that is stuck in its drain",
      DEAD.label("nvidia.com/gpu-driver-upgrade-state", "drain-required"),
      "cordoned by the NVIDIA GPU operator (drain-required)",
    ],
    [
      "a driver upgrade that failed",
      DEAD.label("nvidia.com/gpu-driver-upgrade-state", "upgrade-failed"),
      "cordoned by the NVIDIA GPU operator (upgrade-failed)",
    ],
    [
      "a driver upgrade that found the cordon",
      DEAD.label("nvidia.com/gpu-driver-upgrade-state", "drain-required").annotation(
        "nvidia.com/gpu-driver-upgrade.node-initial-state.unschedulable",
        "true",
      ),
      "cordoned; nothing on the node says by whom",
    ],
    [
      "an upgrade that waits for its turn",
      DEAD.label("nvidia.com/gpu-driver-upgrade-state", "upgrade-required"),
      "cordoned; nothing on the node says by whom",
    ],
    [
      "the network operator's upgrade",
      DEAD.label("nvidia.com/ofed-driver-upgrade-state", "pod-restart-required"),
      "cordoned by the NVIDIA network operator (pod-restart-required)",
    ],
    [
      "an update of OpenShift",
      DEAD.annotation("machineconfiguration.openshift.io/state", "Working"),
      "cordoned by the OpenShift machine config operator (Working)",
    ],
  ])("says by whom: %s", (_, node, text) => expect(cordonWhy(node)).toBe(text));

  test("is asked after its owner when it is old", () => {
    const node = DEAD.cordoned().label("k8saas.nvidia.com/cordon-by", "NVSentinel");
    const life = new NodeLife().sees(node, 13 * HOUR, HOUR);
    expect(life.gate("ForeignOwner").why).toMatch(/longer than 12 h: ask NVSentinel$/u);
    expect(life.messages.join()).toMatch(/Ask NVSentinel/u);
  });

  test("that is not respected holds nothing and is never told", () => {
    const life = new NodeLife({ respectCordon: false }).sees(DEAD.cordoned(), 13 * HOUR, HOUR);
    expect([life.gate("ForeignOwner").open, life.notices]).toEqual([true, []]);
  });
});

test("the annotations and labels of marks stay in a snapshot, and each taint, whatever else is on the node", () => {
  let crowded = aNode().cordoned();
  for (let i = 0; i < 40; i += 1) {
    crowded = crowded.annotation(`node-agent.civo.com/n-${i}`, "v".repeat(200));
    crowded = crowded.taint(`other.io/${"t".repeat(60)}-${i}`);
  }
  let node = crowded;
  for (const key of foreignKeys("annotation")) node = node.annotation(key, "true");
  for (const key of foreignKeys("label")) node = node.label(key, "quarantined");
  const { annotations, labels } = node.snapshot();
  for (const key of foreignKeys("annotation")) expect(annotations).toHaveProperty([key]);
  for (const key of foreignKeys("label")) expect(labels).toHaveProperty([key]);
  for (const key of foreignKeys("taint")) {
    const { taints } = crowded.taint(key, "NoSchedule", "1742817600").snapshot();
    expect(taints.map((taint) => taint.key)).toContain(key);
  }
});

test("no value leads to a repair that a mark of an owner would hold otherwise", () => {
  const valued = FOREIGN_MARKS.filter(({ at, meaning }) => meaning === "owns" && !at.includes("field"));
  const values = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9 ._:-]{0,40}$/u),
    fc.constantFrom("", "0", "no", "off", "null", "undefined", "FALSE ", "-1", "1e99", "NaN"),
  );
  fc.assert(
    fc.property(fc.constantFrom(...valued), values, fc.boolean(), (mark, value, dead) => {
      const saysFalse = !mark.at.includes("taint") && value.trim().toLowerCase() === "false";
      const saysOld = mark.staleAfter !== undefined && /^\d{1,12}$/u.test(value);
      fc.pre(!saysFalse && !saysOld);
      expect(holds(withMark(dead ? DEAD : PRESSED, mark, value))).toBe(true);
    }),
    { numRuns: 500 },
  );
});
