import { posix } from "node:path";

/** What the files of a layer may import, besides their own layer. */
interface Layer {
  readonly layers: readonly string[];
  /** Packages from npm and `node:` modules; absent: any (knip holds them to the manifests). */
  readonly packages?: readonly string[];
}

const SHARED = ["shared/core", "shared/ports", "shared/contract"];
const PROCESS: Layer = { layers: [...SHARED, "shared/redis", "shared/runtime", "kubernetes", "civo"] };

/**
 * The layers of the system and the only imports between them. A layer is a folder of `packages/shared/src`, or another
 * package as a whole. `shared/testing` is for tests: no layer may import it.
 */
export const LAYERS: Readonly<Record<string, Layer>> = {
  "shared/core": { layers: [], packages: [] },
  "shared/ports": { layers: ["shared/core"], packages: [] },
  "shared/contract": { layers: ["shared/core", "shared/ports"], packages: ["zod"] },
  "shared/redis": { layers: SHARED },
  "shared/runtime": { layers: SHARED },
  "shared/testing": { layers: SHARED },
  kubernetes: { layers: [...SHARED, "shared/runtime"] },
  civo: { layers: [...SHARED, "shared/runtime"] },
  watcher: PROCESS,
  worker: PROCESS,
  console: PROCESS,
  cli: PROCESS,
  simulator: PROCESS,
};

/** The layer of a file, by its path from the root of the repository; undefined when it is in none. */
export function layerOf(file: string): string | undefined {
  const [packages, name = "", src, folder = "", ...rest] = file.split("/");
  if (packages !== "packages" || src !== "src") return undefined;
  if (name !== "shared") return name;
  return rest.length === 0 ? undefined : `shared/${folder}`;
}

/**
 * Module names that a TypeScript source imports: statically, for its effects, as a type, by re-export or dynamically.
 * Reads text, not syntax: a line of a template literal that looks like an import counts as one.
 */
export function importsOf(source: string): string[] {
  const statements = source.matchAll(
    /^\s*(?:import|export)\s+(?:[^"';=()]*?\sfrom\s*)?["'](?<module>[^"']+)["']/gmu,
  );
  const calls = source.matchAll(/\bimport\(\s*["'`](?<module>[^"'`]+)["'`]/gu);
  return [...statements, ...calls].map(({ groups }) => groups?.["module"] ?? "");
}

/** What is wrong with one import of a file; undefined when it is allowed. */
export function faultOf(file: string, module: string): string | undefined {
  const from = layerOf(file);
  const rule = from === undefined ? undefined : LAYERS[from];
  if (from === undefined || rule === undefined) return `${file} is in no layer that the table knows`;
  const inside = targetLayer(file, module);
  if (inside === undefined) {
    const allowed = rule.packages === undefined || rule.packages.includes(module);
    return allowed ? undefined : `${file} imports ${module}: ${from} imports no such package`;
  }
  if (inside.layer === from || rule.layers.includes(inside.layer)) {
    if (inside.byPath && packageOf(inside.layer) !== packageOf(from))
      return `${file} imports ${module}: another package is imported by its name`;
    return undefined;
  }
  return `${file} imports ${module}: ${from} may not import ${inside.layer}`;
}

/** Where an import leads within the repository; undefined for npm and `node:`. */
function targetLayer(
  file: string,
  module: string,
): { readonly layer: string; readonly byPath: boolean } | undefined {
  if (module.startsWith(".")) {
    const target = posix.join(posix.dirname(file), module);
    return { layer: layerOf(target) ?? target, byPath: true };
  }
  const own = /^@node-agent\/(?<name>[^/]+)(?:\/(?<path>.+))?$/u.exec(module)?.groups;
  if (own === undefined) return undefined;
  const { name = "", path = "index.ts" } = own;
  return { layer: layerOf(`packages/${name}/src/${path}`) ?? module, byPath: false };
}

function packageOf(layer: string): string {
  return layer.split("/")[0] ?? layer;
}

/** Imports that break a layer, one or more per rule: file, module. Both the table and the lint rules must refuse them. */
export const PLANTED_FAULTS: readonly (readonly [file: string, module: string])[] = [
  ["packages/shared/src/core/planted.ts", "node:fs"],
  ["packages/shared/src/core/planted.ts", "zod"],
  ["packages/shared/src/core/planted.ts", "../ports/clock.ts"],
  ["packages/shared/src/core/planted.ts", "./checkers/../../ports/clock.ts"],
  ["packages/shared/src/core/planted.ts", "@node-agent/shared/ports/clock.ts"],
  ["packages/shared/src/core/checkers/planted.ts", "node:fs"],
  ["packages/shared/src/core/checkers/planted.ts", "zod"],
  ["packages/shared/src/core/checkers/planted.ts", "../../ports/clock.ts"],
  ["packages/shared/src/ports/planted.ts", "node:events"],
  ["packages/shared/src/ports/planted.ts", "zod"],
  ["packages/shared/src/ports/planted.ts", "../contract/keys.ts"],
  ["packages/shared/src/contract/planted.ts", "ioredis"],
  ["packages/shared/src/contract/planted.ts", "node:crypto"],
  ["packages/shared/src/contract/planted.ts", "../redis/script.ts"],
  ["packages/shared/src/redis/planted.ts", "../runtime/logger.ts"],
  ["packages/shared/src/redis/planted.ts", "../testing/builders.ts"],
  ["packages/shared/src/redis/planted.ts", "@node-agent/kubernetes"],
  ["packages/shared/src/runtime/planted.ts", "../redis/script.ts"],
  ["packages/shared/src/runtime/config/planted.ts", "../../redis/script.ts"],
  ["packages/shared/src/runtime/config/planted.ts", "../../testing/builders.ts"],
  ["packages/shared/src/runtime/planted.ts", "../../../worker/src/journal.ts"],
  ["packages/shared/src/testing/planted.ts", "../redis/script.ts"],
  ["packages/shared/src/testing/planted.ts", "../runtime/logger.ts"],
  ["packages/kubernetes/src/planted.ts", "@node-agent/civo"],
  ["packages/kubernetes/src/reflector/planted.ts", "../../../civo/src/index.ts"],
  ["packages/kubernetes/src/planted.ts", "@node-agent/shared/testing/builders.ts"],
  ["packages/civo/src/planted.ts", "@node-agent/kubernetes"],
  ["packages/civo/src/planted.ts", "../../shared/src/core/time.ts"],
  ["packages/watcher/src/planted.ts", "../../worker/src/journal.ts"],
  ["packages/watcher/src/planted.ts", "@node-agent/worker/judge.ts"],
  ["packages/worker/src/planted.ts", "@node-agent/shared/testing/builders.ts"],
  ["packages/worker/src/planted.ts", "../../../test/support/eventually.ts"],
  ["packages/console/src/planted.ts", "@node-agent/simulator"],
  ["packages/cli/src/planted.ts", "@node-agent/console"],
  ["packages/simulator/src/world/planted.ts", "../../../watcher/src/publisher.ts"],
];

/** Imports that the layers allow and that a rule written too tight would refuse. */
export const ALLOWED_IMPORTS: readonly (readonly [file: string, module: string])[] = [
  ["packages/shared/src/core/planted.ts", "./time.ts"],
  ["packages/shared/src/core/planted.ts", "./checkers/gpu.ts"],
  ["packages/shared/src/core/checkers/planted.ts", "../any-new-file.ts"],
  ["packages/shared/src/core/checkers/planted.ts", "./gpu.ts"],
  ["packages/shared/src/core/gates/planted.ts", "../checkers/gpu.ts"],
  ["packages/shared/src/ports/planted.ts", "../core/time.ts"],
  ["packages/shared/src/contract/planted.ts", "zod"],
  ["packages/shared/src/contract/planted.ts", "../core/record.ts"],
  ["packages/shared/src/redis/planted.ts", "ioredis"],
  ["packages/shared/src/redis/planted.ts", "../contract/keys.ts"],
  ["packages/shared/src/runtime/config/planted.ts", "./redis.ts"],
  ["packages/shared/src/runtime/planted.ts", "./redis-set.ts"],
  ["packages/shared/src/testing/planted.ts", "../ports/clock.ts"],
  ["packages/civo/src/planted.ts", "@node-agent/shared/core/time.ts"],
  ["packages/kubernetes/src/reflector/planted.ts", "../errors.ts"],
  ["packages/worker/src/planted.ts", "@node-agent/kubernetes"],
  ["packages/worker/src/planted.ts", "@node-agent/shared/redis/script.ts"],
  ["packages/simulator/src/world/planted.ts", "../kubernetes-api/object-store.ts"],
];
