import { expect, test } from "vitest";
import { oneReboot } from "./one-reboot.ts";
import type { EventFault } from "./sim-watch.ts";

test.each<EventFault>(["Drop", "Duplicate", "Delay"])(
  "%s of any one event: the node is rebooted once and well again",
  async (eventFault) => {
    const { events } = await oneReboot({ stubborn: true });
    expect(events).toBeGreaterThan(4);
    for (const stubborn of [false, true]) {
      for (let event = 0; event < events; event += 1) {
        const { violations, reboots } = await oneReboot({ event, eventFault, stubborn });
        expect(violations, `${eventFault} of event ${event}`).toEqual([]);
        expect(reboots).toBe(stubborn ? 2 : 1);
      }
    }
  },
);
