import type { RebootVerification } from "@node-agent/shared/core/record.ts";
import { describe, expect, test } from "vitest";
import { OPT_OUT_ANNOTATION } from "@node-agent/shared/core/pause.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { ACTIVE, Timeline } from "./timeline.ts";

function dueNode(): Timeline {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  return life.pass(5 * MINUTE);
}

/** The step of a due node that was read like this. */
function stepOf(node: NodeBuilder, respectCordon = true) {
  const life = dueNode();
  life.policy = { ...ACTIVE, respectCordon };
  life.read = { node: node.snapshot() };
  return life.step();
}
const CALL = { step: "CallExecutor" };

describe("a node that somebody else claims is left alone", () => {
  test("by a cordon, whoever made it", () => {
    const why = "cordoned; nothing on the node says by whom";
    expect(stepOf(aNode().cordoned())).toMatchObject({ step: "WaitUntil", gate: "ForeignOwner", why });
  });

  test("but not by a cordon that is not respected, nor by the taints of its own sickness", () => {
    expect(stepOf(aNode().cordoned(), false)).toMatchObject(CALL);
    const sick = aNode()
      .taint("node.kubernetes.io/not-ready")
      .taint("node.kubernetes.io/unreachable", "NoExecute")
      .cilium("down");
    expect(stepOf(sick)).toMatchObject(CALL);
  });

  test("by its own wish, unless it says false", () => {
    expect(stepOf(aNode().annotation(OPT_OUT_ANNOTATION, "true"))).toMatchObject({ gate: "OptOut" });
    expect(stepOf(aNode().annotation(OPT_OUT_ANNOTATION, "maybe"))).toMatchObject({ gate: "OptOut" });
    expect(stepOf(aNode().annotation(OPT_OUT_ANNOTATION, "false"))).toMatchObject(CALL);
  });
});

/** A node that was rebooted by us with this outcome, and booted so long after the intent. */
function booted(
  after: number,
  outcome: "Accepted" | "Unknown" | "NotSent" | "Rejected" = "Accepted",
  verification?: RebootVerification,
) {
  const life = dueNode();
  life.answer(life.intend(), outcome, 10 * MINUTE);
  life.pass(after);
  if (verification !== undefined) life.told(verification);
  life.node = { ...life.node, bootId: "boot-2" };
  life.judge({ NodeReady: "Fail" });
  return life;
}
const settleOf = (life: Timeline) => {
  const { open, until } = life.gate("Settle");
  return open ? "open" : until! - life.record.bootSeenAt!;
};

describe("after a boot (G6)", () => {
  test("of our own making the node is given three minutes", () => {
    const life = booted(9 * MINUTE);
    expect(settleOf(life)).toBe(3 * MINUTE);
    expect(life.pass(2 * MINUTE).step()).toMatchObject({ step: "WaitUntil", gate: "Settle" });
    expect(life.pass(MINUTE).step()).toMatchObject(CALL);
  });

  test("that may be of our making, too", () => {
    expect(settleOf(booted(5 * MINUTE, "Unknown"))).toBe(3 * MINUTE);
  });

  test("that nobody of us asked for, the node keeps the whole wait: a reboot by somebody else is a reboot", () => {
    const life = dueNode();
    life.node = { ...life.node, bootId: "boot-2" };
    life.judge({ NodeReady: "Fail" });
    expect(settleOf(life)).toBe(10 * MINUTE);
    life.pass(10 * MINUTE - 1);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Settle" });
    expect(life.pass(1).step()).toMatchObject(CALL);
  });

  test.each(["NotSent", "Rejected"] as const)(
    "during the pause after a call that was %s it was somebody else",
    (out) => {
      expect(settleOf(booted(MINUTE, out))).toBe(10 * MINUTE);
    },
  );

  test("seen late, because nobody could see the cluster, the first boot after our reboot is still ours", () => {
    expect(settleOf(booted(11 * MINUTE))).toBe(3 * MINUTE);
  });

  test("after it was told that our reboot did not happen, a boot is somebody else's", () => {
    expect(settleOf(booted(11 * MINUTE, "Accepted", "NotExecuted"))).toBe(10 * MINUTE);
  });

  test("of a node with GPUs the whole wait is theirs", () => {
    const life = dueNode();
    life.node = { ...life.node, bootId: "boot-2" };
    life.judge({ NodeReady: "Fail" }, { gpuNode: true });
    expect(settleOf(life)).toBe(40 * MINUTE);
  });
});
