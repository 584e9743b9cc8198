// Customer: who orders.
import type { ServiceSchema } from "moleculer";
import { customerActions } from "../../core/contracts/customer.ts";
import type { Environment } from "../../core/environment.ts";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import { implement } from "../../core/service.ts";
import { customerHandlers, customerReactions } from "./customer.handlers.ts";
import { customerCollection } from "./customer.schema.ts";

export function createService(env: Environment): ServiceSchema {
  const own = env.database("customer");
  const deps = { customers: own.collection(customerCollection), clock: env.clock, random: env.random };
  const reactions = subscriber(customerReactions(deps), own.collection(inboxCollection));
  return {
    name: "customer",
    version: 1,
    mixins: [own.mixin],
    metadata: { subscribes: reactions.types },
    actions: implement(customerActions, customerHandlers({ ...deps, reactions })),
  };
}
