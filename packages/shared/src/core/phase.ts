/**
 * Where a node stands. `Unknown` is the zero value: never judged, or its start-up grace still runs.
 * How each phase is entered and left is told at the head of `transition.ts`.
 */
export const PHASES = ["Unknown", "Healthy", "Unhealthy", "WaitingReboot", "Failed"] as const;
export type Phase = (typeof PHASES)[number];
