// An event log whose appends are measured.
import type { Clock } from "../../core/kernel/clock.ts";
import { appendFailures, appendSeconds } from "./bridge.metrics.ts";
import type { EventLog } from "./event-log.ts";
import { methodsOf } from "./methods-of.ts";

export const measured = (log: EventLog, clock: Clock): EventLog => ({
  ...methodsOf(log),
  async append(events) {
    const begin = clock.now();
    try {
      await log.append(events);
      appendSeconds.observe((clock.now() - begin) / 1_000);
    } catch (error) {
      appendFailures.inc();
      throw error;
    }
  },
});
