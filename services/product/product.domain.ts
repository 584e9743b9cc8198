// What may happen to a product.
import type { ParamsOf } from "../../core/contracts/action.ts";
import type { DomainEvent } from "../../core/contracts/index.ts";
import type { PricedProduct, productActions } from "../../core/contracts/product.ts";
import { accept, refuse, type Decision } from "../../core/kernel/decider.ts";
import { refusal } from "../../core/kernel/errors.ts";

export type NewProduct = ParamsOf<(typeof productActions)["v1.product.create"]>;
export type ProductChange = ParamsOf<(typeof productActions)["v1.product.change"]>;
export type ProductEvent = DomainEvent<"product.created.v1" | "product.changed.v1">;

export function decideCreate(existing: PricedProduct | null, { sku, name, price, taxRate = 0 }: NewProduct) {
  if (existing !== null) {
    return refuse(refusal("SKU_EXISTS", `A product with SKU ${sku} exists: change that one, or take another SKU`));
  }
  return accept<ProductEvent>({
    type: "product.created.v1",
    data: { sku, name, price, taxRate, status: "ACTIVE" },
  });
}

/** A change to what it is already makes no event. */
export function decideChange(existing: PricedProduct | null, change: ProductChange): Decision<ProductEvent> {
  if (existing === null) return refuse(productNotFound(change.sku));
  const data = snapshotOf({ ...existing, ...change });
  return isSame(snapshotOf(existing), data) ? accept() : accept({ type: "product.changed.v1", data });
}

export const productNotFound = (sku: string) =>
  refusal("PRODUCT_NOT_FOUND", `No product has SKU ${sku}: SKUs are case-sensitive`);

export const snapshotOf = ({ sku, name, price, taxRate, status }: PricedProduct): PricedProduct => ({
  sku,
  name,
  price,
  taxRate,
  status,
});

function isSame(left: PricedProduct, right: PricedProduct): boolean {
  return (
    left.name === right.name &&
    left.price.amount === right.price.amount &&
    left.price.currency === right.price.currency &&
    left.taxRate === right.taxRate &&
    left.status === right.status
  );
}
