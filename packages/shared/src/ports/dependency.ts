/** What the work of a process depends on outside of it; each is also a `reason` of reconcile errors. */
export const DEPENDENCIES = ["Redis", "Kubernetes", "Cloud"] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

/**
 * The dependency that failed, when the error names it in a field `dependency`; adapters throw such errors. Undefined
 * for any other error: a fault of our own code names none.
 */
export function dependencyOf(error: unknown): Dependency | undefined {
  if (!(error instanceof Error) || !("dependency" in error)) return undefined;
  return DEPENDENCIES.find((name) => name === error.dependency);
}
