import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for the files of one test, gone with it. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file and returns its path. */
  write(name: string, content: string, mode?: number): Promise<string>;
  /** Writes a kubeconfig and returns its path. */
  kubeconfig(parts: KubeconfigParts, name?: string): Promise<string>;
}

/** One cluster and one user under the context `test`, unless told otherwise. */
export interface KubeconfigParts {
  readonly server?: string;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
  /** Replaces top-level fields. */
  readonly top?: Readonly<Record<string, unknown>>;
}

/** Makes a folder under the system's temporary one. */
export async function testFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), "node-agent-kubernetes-"));
  const write = async (name: string, content: string, mode = 0o600): Promise<string> => {
    const file = join(path, name);
    await writeFile(file, content, { mode });
    return file;
  };
  return {
    path,
    write,
    kubeconfig: ({ server = "http://127.0.0.1:1", cluster, user, top }, name = "kubeconfig") =>
      // JSON is YAML.
      write(
        name,
        JSON.stringify({
          apiVersion: "v1",
          kind: "Config",
          "current-context": "test",
          clusters: [{ name: "c", cluster: { server, ...cluster } }],
          users: [{ name: "u", user: user ?? {} }],
          contexts: [{ name: "test", context: { cluster: "c", user: "u" } }],
          ...top,
        }),
      ),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
