import { errorOfStatus } from "../connection/api-fault.ts";
import type { KubernetesApiError } from "../errors.ts";
import { property, text } from "../raw-object.ts";

/** One line of a watch. */
export type WatchLine =
  | {
      readonly kind: "ADDED" | "MODIFIED" | "DELETED";
      readonly object: unknown;
    }
  | { readonly kind: "BOOKMARK"; readonly resourceVersion: string }
  | { readonly kind: "ERROR"; readonly error: KubernetesApiError };

function statusCode(status: unknown): number {
  const code = property(status, "code");
  return typeof code === "number" ? code : 500;
}

/** Reads one line; undefined when it is not a watch event, in which case nothing after it can be trusted either. */
export function parseWatchLine(line: string): WatchLine | undefined {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return undefined;
  }
  const object = property(event, "object");
  const kind = text(event, "type");
  switch (kind) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { kind, object };
    case "BOOKMARK": {
      const resourceVersion = text(property(object, "metadata"), "resourceVersion");
      return resourceVersion === undefined ? undefined : { kind, resourceVersion };
    }
    case "ERROR":
      return { kind, error: errorOfStatus("watch", statusCode(object), object) };
    case undefined:
    default:
      return undefined;
  }
}
