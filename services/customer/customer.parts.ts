// Customer put together on a database, without a broker.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import type { Database } from "../../core/store/port.ts";
import { customerHandlers, customerReactions } from "./customer.handlers.ts";
import { customerCollection } from "./customer.schema.ts";

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
}

export function createCustomer({ database, clock, random }: Parts) {
  const customers = database.collection(customerCollection);
  const reactions = subscriber(customerReactions({ customers, clock, random }), database.collection(inboxCollection));
  return {
    /** The event types it subscribes to. */
    types: reactions.types,
    handlers: customerHandlers({ customers, reactions, clock, random }),
  };
}
