import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { ReadFile } from "@node-agent/shared/runtime/config/file.ts";
import type { Environment } from "@node-agent/shared/runtime/config/sources.ts";

/** The world that a command runs in; tests bring their own. */
export interface Terminal {
  readonly env: Environment;
  /** Data. */
  readonly out: (text: string) => void;
  /** Messages. */
  readonly err: (text: string) => void;
  /** Data goes to a person and not to a file or a pipe. */
  readonly isTty: boolean;
  readonly clock: Clock;
  readonly readFile: ReadFile;
  /** `user@host`, kept with every order beside the user that the API server knows. */
  readonly who: string;
}
