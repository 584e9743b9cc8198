// Counts what this node does, by action: who shares the load with whom, and who gets none.
import type { ActionHandler, Context, Middleware } from "moleculer";
import { Counter } from "prom-client";

const begun = new Counter({
  name: "comptoir_actions_begun_total",
  help: "Calls that this node has begun to handle, by action",
  labelNames: ["action"],
});

export const callsBegun: Middleware = {
  name: "CallsBegun",
  localAction(next: ActionHandler, action): ActionHandler {
    const ofAction = begun.labels(String(action.name));
    return function countAndHandle(this: unknown, ctx: Context) {
      ofAction.inc();
      return next.call(this as never, ctx) as Promise<unknown>;
    };
  },
};
