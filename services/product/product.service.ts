// Product: the catalogue and its prices.
import type { ServiceSchema } from "moleculer";
import { productActions } from "../../core/contracts/product.ts";
import type { Environment } from "../../core/environment.ts";
import { implement } from "../../core/service.ts";
import { productHandlers } from "./product.handlers.ts";
import { productCollection } from "./product.schema.ts";

export function createService(env: Environment): ServiceSchema {
  const own = env.database("product");
  const products = own.collection(productCollection);
  const handlers = productHandlers({ products, clock: env.clock, random: env.random });
  return { name: "product", version: 1, mixins: [own.mixin], actions: implement(productActions, handlers) };
}
