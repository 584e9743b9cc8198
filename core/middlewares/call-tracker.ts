// A stop waits for the calls to other nodes too, but not for those that were given up.
import * as moleculer from "moleculer";
import type { ActionHandler, Context, Middleware, ServiceBroker } from "moleculer";

interface Tracker {
  remoteAction(this: ServiceBroker, next: ActionHandler, action: unknown): ActionHandler;
}
/** Exported, but missing in its types. */
const { Middlewares } = moleculer as unknown as {
  Middlewares: { ContextTracker(broker: ServiceBroker): Tracker };
};

/**
 * Around the timeout. Moleculer's tracker stands inside it, where it must be for handlers: they go on when their caller
 * has gone. But a call that timed out never settles there, for nobody takes its answer any more: each one would stay in
 * memory, and every stop would wait for it as long as a stop may take.
 */
export const callTracker: Middleware = {
  name: "CallTracker",
  remoteAction(this: ServiceBroker, next: ActionHandler, action): ActionHandler {
    const untracked = (ctx: Context): Promise<unknown> => {
      ctx.options.tracking = false;
      return next.call(this as never, ctx) as Promise<unknown>;
    };
    return Middlewares.ContextTracker(this).remoteAction.call(this, untracked, action);
  },
};
