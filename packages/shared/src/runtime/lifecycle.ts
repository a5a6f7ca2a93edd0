import type { Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "./logger.ts";

/** A part of a process that must be stopped, in order. */
export interface Component {
  readonly name: string;
  /** Ends its work and lets go of its resources; may be given up on when the grace time is over. */
  readonly stop: () => Promise<void>;
}

type StopSignal = "SIGTERM" | "SIGINT";
type HostEvent = StopSignal | "uncaughtException" | "unhandledRejection";

/** What `runProcess` needs of the process; tests bring a twin. */
export interface ProcessHost {
  readonly on: (event: HostEvent, listener: (value: unknown) => void) => void;
  readonly off: (event: HostEvent, listener: (value: unknown) => void) => void;
  readonly exit: (code: number) => void;
}

const thisProcess: ProcessHost = {
  on: (event, listener) => {
    process.on(event, listener);
  },
  off: (event, listener) => {
    process.off(event, listener);
  },
  exit: (code) => process.exit(code),
};

/** How a process runs and stops. */
export interface RunOptions {
  /**
   * Starts everything and returns its parts in the order in which they are to be stopped. The signal fires when the
   * process is told to stop, also while it still starts.
   */
  readonly start: (signal: AbortSignal) => Promise<readonly Component[]>;
  /** From the signal to the exit, whatever hangs. */
  readonly grace: Millis;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly host?: ProcessHost;
}

/** Exit codes; 128 + signal number as shells have it. */
export const EXIT = { ok: 0, failure: 1, cannotStart: 2, interrupted: 130, terminated: 143 } as const;

/** An error that ends a start with exit code 2: a person must change something, a restart cannot help. */
export class CannotStartError extends Error {
  readonly code = "CannotStart";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CannotStartError";
  }
}

async function stopAll(
  components: readonly Component[],
  options: RunOptions,
  deadline: Millis,
): Promise<void> {
  const { logger, clock } = options;
  for (const component of components) {
    const { name } = component;
    const left = deadline - clock.monotonic();
    const gaveUp = new AbortController();
    try {
      const outcome = await Promise.race([
        component.stop().then(() => "stopped" as const),
        clock.sleep(Math.max(0, left), gaveUp.signal).then(() => "late" as const),
      ]);
      if (outcome === "late")
        logger.warn({ component: name }, "did not stop within the grace time; left behind");
    } catch (error) {
      logger.error({ err: error, component: name }, "failed to stop");
    } finally {
      gaveUp.abort();
    }
  }
}

/**
 * Runs a process until SIGTERM or SIGINT, then stops its parts in order and exits 0 within the grace time. A second
 * signal exits at once (143 or 130). An uncaught error is logged in one line and exits 1: the state of the process is
 * unknown then, and its orchestrator starts a clean one. Resolves when the host was told to exit.
 */
export async function runProcess(options: RunOptions): Promise<void> {
  const { start, grace, logger, clock, host = thisProcess } = options;
  const stopping = new AbortController();
  const signalled = Promise.withResolvers<"signalled">();
  let exited = false;

  function exit(code: number): void {
    if (!exited) host.exit(code);
    exited = true;
  }
  function onFatal(error: unknown): void {
    if (exited) return;
    logger.fatal({ err: error }, "uncaught error: exiting");
    exit(EXIT.failure);
  }
  function onSignal(signal: StopSignal): void {
    if (stopping.signal.aborted) {
      logger.warn({ signal }, "second signal: exiting at once");
      exit(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated);
      return;
    }
    logger.info({ signal, grace }, "stopping");
    stopping.abort();
    signalled.resolve("signalled");
  }
  const listeners: [HostEvent, (value: unknown) => void][] = [
    ["SIGTERM", () => onSignal("SIGTERM")],
    ["SIGINT", () => onSignal("SIGINT")],
    ["uncaughtException", onFatal],
    ["unhandledRejection", onFatal],
  ];
  for (const [event, listener] of listeners) host.on(event, listener);

  try {
    const started = start(stopping.signal);
    // A start that fails ends the wait; one that succeeds goes on until the signal.
    await Promise.race([signalled.promise, started.then(() => signalled.promise)]);
    const deadline = clock.monotonic() + grace;
    await stopAll(await partsWithin(started, deadline, clock), options, deadline);
    logger.info("stopped");
    exit(EXIT.ok);
  } catch (error) {
    if (error instanceof CannotStartError) {
      logger.fatal({ err: error }, "cannot start");
      exit(EXIT.cannotStart);
    } else onFatal(error);
  } finally {
    for (const [event, listener] of listeners) host.off(event, listener);
  }
}

/** The parts of a start that may still be under way; none when it does not end in time or was broken off. */
async function partsWithin(
  started: Promise<readonly Component[]>,
  deadline: Millis,
  clock: Clock,
): Promise<readonly Component[]> {
  const done = new AbortController();
  try {
    return await Promise.race([
      started,
      clock.sleep(Math.max(0, deadline - clock.monotonic()), done.signal).then(() => []),
    ]);
  } catch {
    return [];
  } finally {
    done.abort();
  }
}
