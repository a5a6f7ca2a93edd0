import { expect, test } from "vitest";
import { describeFixtures } from "../../support/fixtures.ts";
import { nodeList } from "./support/fake-api.ts";
import { observedSource } from "./support/observed-source.ts";

const everything = { pools: [], includeControlPlane: true, includeVirtual: true };

/** A fixture as an API server would send it: some public dumps lack what every stored object has. */
function stored(node: unknown): Record<string, unknown> {
  const copy = structuredClone(node) as { metadata: Record<string, unknown>; [field: string]: unknown };
  copy.metadata["name"] ??= "unnamed";
  copy.metadata["uid"] ??= "uid-1";
  copy.metadata["resourceVersion"] = "50";
  return copy;
}

describeFixtures("I-20: a node has one shape, listed or watched", (fixtures) => {
  test.each(fixtures.map(({ file, node }) => [file, stored(node)] as const))("%s", async (_, node) => {
    const listed = observedSource({ selector: everything });
    const { kind: _kind, apiVersion: _version, ...asListItem } = node;
    listed.api.onList(() => nodeList(100, [asListItem]));
    await listed.start();

    const watched = observedSource({ selector: everything });
    await watched.start();
    watched.api.stream().event("ADDED", { kind: "Node", apiVersion: "v1", ...asListItem });
    await watched.clock.settle();

    expect(listed.snapshots).toHaveLength(1);
    expect(watched.snapshots).toEqual(listed.snapshots);
  });
});
