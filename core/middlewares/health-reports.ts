// Asks the health checks while the broker runs; one line in the log when one begins to fail or is well again.
import type { Middleware } from "moleculer";
import type { Health } from "../health.ts";

export function healthReports(health: Health): Middleware {
  let polling: { stop(): Promise<void> } | undefined;
  return {
    name: "HealthReports",
    created(broker) {
      const logger = broker.getLogger("health");
      health.onChange((name, problem) => {
        if (problem === null) logger.info("Well again", { check: name });
        else logger.warn("A check fails", { check: name, problem });
      });
    },
    async started() {
      // The first answers count before the node says that it is ready.
      await health.poll();
      polling = health.start();
    },
    async stopping() {
      await polling?.stop();
    },
  };
}
