/**
 * @file Preloaded into an agent (`node --import`): its wall clock is wrong by WRONG_CLOCK_MS until SIGUSR2, as on a
 * machine whose NTP is broken and then repaired. The monotonic clock is right, as there.
 */
const RightDate = globalThis.Date;
let wrongBy = Number(process.env.WRONG_CLOCK_MS);
process.on("SIGUSR2", () => {
  wrongBy = 0;
});

globalThis.Date = class Date extends RightDate {
  static now() {
    return RightDate.now() + wrongBy;
  }

  constructor(...parts) {
    super(...(parts.length === 0 ? [RightDate.now() + wrongBy] : parts));
  }
};
