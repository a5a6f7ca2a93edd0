import { describe, expect, test } from "vitest";
import { SECOND } from "@node-agent/shared/core/time.ts";
import { oneReboot, type Disaster } from "./one-reboot.ts";

describe.each<Disaster>(["OldBackup", "YoungBackup", "NewLedger"])(
  "%s, and every process begins anew",
  (disaster) => {
    test.each([0.2, 1, 3, 8, 15, 25].map((seconds) => seconds * SECOND))(
      "%d ms after a reboot that did not help: no second one within the wait, and one after it",
      async (disasterAfter) => {
        for (const gpu of [false, true]) {
          const end = await oneReboot({ disaster, disasterAfter, gpu, stubborn: true });
          expect(end).toMatchObject({ violations: [], reboots: 2 });
        }
      },
    );
  },
);
