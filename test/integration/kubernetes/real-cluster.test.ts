import { describe, expect, test } from "vitest";
import { createNodeReader } from "@node-agent/kubernetes";
import { projection } from "../../unit/kubernetes/support/raw-node.ts";
import { eventually } from "../../support/eventually.ts";
import { liveSource } from "./support/live-source.ts";
import { openConnection } from "./support/open-connection.ts";

/** Keeps the simulator honest: the same expectations of a cluster that others have built. Reads only. */
const kubeconfig = process.env["KUBECONFIG"] ?? "";

const connect = () => openConnection({ kubeconfig, context: process.env["KUBECONTEXT"] });

describe.skipIf(kubeconfig === "")(
  "a real cluster (skipped without KUBECONFIG, the path of one file)",
  () => {
    const everything = { pools: [], includeControlPlane: true, includeVirtual: true };

    test("its nodes are listed in pages, each can be read, and the watch stays open", async () => {
      await using connection = connect();
      await using live = liveSource(connection, { selector: everything, pageLimit: 1, timings: {} });
      await eventually(() =>
        expect(live.source.freshness()).toMatchObject({ phase: "Watching", synced: true }),
      );
      expect(live.count("MalformedObject")).toBe(0);
      const names = [...live.source.nodes().keys()];
      expect(names.length).toBeGreaterThan(0);
      const reader = createNodeReader({ connection, project: projection.project });
      for (const name of names) await expect(reader.read(name)).resolves.toMatchObject({ found: true });
      await expect(reader.read("no-such-node.invalid")).resolves.toEqual({ found: false });
    });

    test("a watch from a version long gone is answered with 410, as the reflector expects", async () => {
      await using connection = connect();
      const { chunks } = await connection
        .stream("/api/v1/nodes", { query: { watch: "true", resourceVersion: "1", timeoutSeconds: "5" } })
        .catch((fault: { status?: number }) => ({ chunks: [Buffer.from(`"code":${fault.status}`)] }));
      let answer = "";
      for await (const chunk of chunks) answer += Buffer.from(chunk).toString();
      expect(answer).toContain('"code":410');
    });
  },
);
