import type { Worker } from "bullmq";

/**
 * Makes a consumer take jobs or leave them to others, and waits for nothing: BullMQ's pause that waits does so for the
 * job under way, and for a connection that it closed, which on a Cluster may never report its end. A consumer that is
 * paused in the middle of its blocking read may take one more job.
 */
export function steerConsumer(
  worker: Pick<Worker, "isPaused" | "pause" | "resume">,
  takes: boolean,
  onError: (error: Error) => void,
): void {
  if (worker.isPaused() === !takes) return;
  const steered = takes ? worker.resume() : worker.pause(true);
  steered.catch((error: unknown) => onError(error instanceof Error ? error : new Error(String(error))));
}
