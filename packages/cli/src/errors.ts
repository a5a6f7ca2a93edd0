import { withoutCredentials } from "@node-agent/shared/runtime/error-fields.ts";

/** Why a command failed. `Usage` and `Configuration`: the same command fails again until somebody changes it. */
export const CLI_ERROR_CODES = [
  "Usage",
  "Configuration",
  "NotFound",
  "Ledger",
  "Kubernetes",
  "Redis",
  "Unexpected",
] as const;
export type CliErrorCode = (typeof CLI_ERROR_CODES)[number];

/** What the process says of its end. `blocked`: `explain --exit-code`, and something holds the reboot of a sick node. */
export const CLI_EXIT = { ok: 0, error: 1, usage: 2, blocked: 3 } as const;

/** A failure in words for the person at the terminal. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): number {
    const isOurs = this.code === "Usage" || this.code === "Configuration";
    return isOurs ? CLI_EXIT.usage : CLI_EXIT.error;
  }
}

/** Any failure as one of ours; messages of libraries lose what may be a credential. */
export function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const code = codeOf(error);
  return new CliError(code, messageOf(error), { cause: error });
}

function codeOf(error: unknown): CliErrorCode {
  const name = error instanceof Error ? error.name : "";
  if (name === "KubernetesConfigError") return "Configuration";
  return name === "KubernetesApiError" ? "Kubernetes" : "Unexpected";
}

/** The words of a failure, free of credentials; an error of many errors has none of its own. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown failure";
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return withoutCredentials(error.message === "" ? code : error.message);
}
