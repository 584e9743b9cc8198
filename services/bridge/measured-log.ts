// An event log whose appends are measured, and told in the traces of their events.
import type { Clock } from "../../core/kernel/clock.ts";
import { sampledTraceOf, tracedAppend } from "../../core/tracing/events.ts";
import { appendFailures, appendSeconds } from "./bridge.metrics.ts";
import type { EventLog } from "./event-log.ts";
import { methodsOf } from "./methods-of.ts";

/** @param system the log's name in spans. */
export const measured = (log: EventLog, clock: Clock, system: string): EventLog => ({
  ...methodsOf(log),
  async append(events) {
    const begin = clock.now();
    try {
      await tracedAppend(events, system, () => log.append(events));
      appendSeconds.observe((clock.now() - begin) / 1_000, sampledTraceOf(events));
    } catch (error) {
      appendFailures.inc();
      throw error;
    }
  },
});
