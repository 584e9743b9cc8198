// Wiring of the order service.
import type { ServiceSchema } from "moleculer";
import { ownRequest } from "../../core/context.ts";
import { orderActions } from "../../core/contracts/order.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { inboxCollection, subscriber, type Inbox } from "../../core/reactions.ts";
import { implement } from "../../core/service.ts";
import { Admission } from "./order.admission.ts";
import { orderHandlers } from "./order.handlers.ts";
import { orderInspection } from "./order.inspect.ts";
import { measureOrders, sagaMetrics } from "./order.metrics.ts";
import { orderReactions } from "./order.reactions.ts";
import { Runner } from "./order.runner.ts";
import { orderCollection } from "./order.schema.ts";

const SWEEP_EVERY_MS = 1_000;
/** Inside the process's 5 s to stop: what is not done then goes to another node's sweeper, or to the next start's. */
const GRACE_MS = 3_000;

export function createService(env: Environment): ServiceSchema {
  const { clock, random } = env;
  const leaseMs = env.config.sagaLeaseMs;
  const database = env.database("order");
  const orders = database.collection(orderCollection);
  const reactions = subscriber(orderReactions(orders, clock), database.collection<Inbox>(inboxCollection));
  let logger: { warn(text: string): void } = { warn: () => undefined };
  const onError = (orderId: string, error: unknown): void => {
    logger.warn(`Order ${orderId}: its saga stopped, the sweeper goes on with it: ${String(error)}`);
  };
  const admission = new Admission(clock, random);
  const resume = () => admission.resume();
  const runner = new Runner({ orders, clock, random, leaseMs, onError, resume, ...sagaMetrics });
  const sweeper = createLoop(clock, SWEEP_EVERY_MS, random);
  measureOrders({ database, orders, runner, admission, clock });

  return {
    name: "order",
    version: 1,
    mixins: [database.mixin],
    metadata: { subscribes: reactions.types },
    actions: {
      ...implement(orderActions, orderHandlers({ orders, admission, runner, reactions, clock, random, leaseMs })),
      ...orderInspection(orders),
    },
    created() {
      ({ logger } = this);
    },
    started() {
      const sweep = () => runner.sweep(ownRequest(this.broker, "order"));
      sweeper.start(sweep, error => {
        logger.warn(`The sweep failed and is tried again: ${String(error)}`);
      });
    },
    async stopped() {
      await sweeper.stop();
      await runner.stop(GRACE_MS);
    },
  };
}
