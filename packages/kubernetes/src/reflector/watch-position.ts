import { newerResourceVersion } from "./resource-version.ts";

/** Where the watch is: the newest version seen, and the one to resume from. */
export interface WatchPosition {
  readonly seen: () => string;
  /** Behind `seen` only while a handler owes an acceptance (I-12). */
  readonly resume: () => string;
  /** The watch has brought this version. */
  advance(version: string | undefined): void;
  /** Everything seen so far was accepted. */
  accept(): void;
  /** A list begins the view anew at this version, whichever was seen before. */
  begin(version: string): void;
}

/** Nothing was seen yet. */
export function createWatchPosition(): WatchPosition {
  let seen = "";
  let resume = "";
  return {
    seen: () => seen,
    resume: () => resume,
    advance: (version) => {
      if (version !== undefined) seen = newerResourceVersion(seen, version);
    },
    accept: () => {
      resume = seen;
    },
    begin: (version) => {
      seen = version;
      resume = version;
    },
  };
}
