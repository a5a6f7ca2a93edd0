import { sharedCases } from "./node-case.ts";
import { playCases } from "./play.ts";

// Planned work holds for longer than the test runs; what comes after that is told by ../planned-work.test.ts.
playCases(sharedCases());
