// What product answers.
import type { productActions } from "../../core/contracts/product.ts";
import { changeMatching, makeOnce, originOf, verdictOf } from "../../core/decisions.ts";
import { toError } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { listPage } from "../../core/paging.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { DocumentStore } from "../../core/store/port.ts";
import { decideChange, decideCreate, productNotFound, snapshotOf } from "./product.domain.ts";
import { countView } from "./product.metrics.ts";
import { evolveAt, productView, type ProductState } from "./product.schema.ts";

export interface ProductDeps {
  readonly products: DocumentStore<ProductState>;
  readonly clock: Clock;
  readonly random: Random;
}

export const productHandlers = ({ products, clock, random }: ProductDeps): HandlersOf<typeof productActions> => ({
  "v1.product.list": ({ q, status, ...page }) =>
    listPage(
      products,
      {
        ...(q === undefined ? {} : { contains: { field: "search", text: q.toLowerCase() } }),
        ...(status === undefined ? {} : { where: { status } }),
      },
      page,
      productView,
    ),

  "v1.product.get": async ({ sku }) => {
    const product = await products.load(sku);
    if (product === null) throw toError(productNotFound(sku));
    countView(sku);
    return productView(product);
  },

  "v1.product.create": async (params, request) => {
    const origin = originOf(request, random);
    const evolve = evolveAt(timestamp(clock.now()), origin);
    const { replayed, document } = await makeOnce(products, params.sku, origin.command, request, existing =>
      verdictOf(existing, decideCreate(existing, params), evolve, false),
    );
    return { replayed, resource: productView(document) };
  },

  "v1.product.change": async (params, request) => {
    const evolve = evolveAt(timestamp(clock.now()), originOf(request, random));
    const product = await changeMatching(products, params.sku, request, existing =>
      verdictOf(existing, decideChange(existing, params), evolve, null),
    );
    return productView(product);
  },

  "v1.product.price": async ({ skus }) => ({
    products: (await products.loadMany(skus)).map(({ state }) => snapshotOf(state)),
  }),
});
