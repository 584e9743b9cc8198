// Customer: who orders.
import type { ServiceSchema } from "moleculer";
import { inspections } from "../../core/contracts/audit.ts";
import { customerActions } from "../../core/contracts/customer.ts";
import type { Environment } from "../../core/environment.ts";
import { inspectDocuments, waitingIn } from "../../core/inspection.ts";
import { implement } from "../../core/service.ts";
import { createCustomer } from "./customer.parts.ts";
import { customerCollection } from "./customer.schema.ts";

export function createService(env: Environment): ServiceSchema {
  const database = env.database("customer");
  const { handlers, types } = createCustomer({ database, clock: env.clock, random: env.random });
  const customers = database.collection(customerCollection);
  const inspection = implement(inspections.customer, {
    "v1.customer.inspect": inspectDocuments(customers),
    "v1.customer.waiting": waitingIn(customers),
  });
  return {
    name: "customer",
    version: 1,
    mixins: [database.mixin],
    metadata: { subscribes: types },
    actions: { ...implement(customerActions, handlers), ...inspection },
  };
}
