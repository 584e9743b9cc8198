// Product: the catalogue and its prices.
import type { ServiceSchema } from "moleculer";
import { inspections } from "../../core/contracts/audit.ts";
import { productActions } from "../../core/contracts/product.ts";
import type { Environment } from "../../core/environment.ts";
import { inspectDocuments, waitingIn } from "../../core/inspection.ts";
import { implement } from "../../core/service.ts";
import { productHandlers } from "./product.handlers.ts";
import { measureCatalogue } from "./product.metrics.ts";
import { productCollection } from "./product.schema.ts";

const COUNT_EVERY_MS = 10_000;

export function createService(env: Environment): ServiceSchema {
  const own = env.database("product");
  const products = own.collection(productCollection);
  const handlers = productHandlers({ products, clock: env.clock, random: env.random });
  const inspection = implement(inspections.product, {
    "v1.product.inspect": inspectDocuments(products),
    "v1.product.waiting": waitingIn(products),
  });
  const actions = { ...implement(productActions, handlers), ...inspection };
  own.measure(COUNT_EVERY_MS, () => measureCatalogue(products));
  return { name: "product", version: 1, mixins: [own.mixin], actions };
}
