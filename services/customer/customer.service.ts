// Customer: who orders.
import type { ServiceSchema } from "moleculer";
import { customerActions } from "../../core/contracts/customer.ts";
import type { Environment } from "../../core/environment.ts";
import { implement } from "../../core/service.ts";
import { createCustomer } from "./customer.parts.ts";

export function createService(env: Environment): ServiceSchema {
  const database = env.database("customer");
  const { handlers, types } = createCustomer({ database, clock: env.clock, random: env.random });
  return {
    name: "customer",
    version: 1,
    mixins: [database.mixin],
    metadata: { subscribes: types },
    actions: implement(customerActions, handlers),
  };
}
