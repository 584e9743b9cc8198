// A product as it is stored, under its SKU.
import type { PricedProduct, Product } from "../../core/contracts/product.ts";
import type { Origin } from "../../core/decisions.ts";
import type { CollectionSpec, Versioned } from "../../core/store/port.ts";
import type { ProductEvent } from "./product.domain.ts";

export interface ProductState extends PricedProduct, Origin {
  /** SKU and name in lower case, for `q`. */
  readonly search: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const productCollection: CollectionSpec<ProductState> = {
  name: "products",
  aggregate: "product",
  indexes: [{ on: ["status"] }, { on: ["command"], unique: true }],
  searchable: ["search"],
  schemaVersion: 1,
};

/** `origin` counts only for the event that makes the product. */
export const evolveAt =
  (at: string, origin: Origin) =>
  (state: ProductState | null, { data }: ProductEvent): ProductState => ({
    command: state?.command ?? origin.command,
    fingerprint: state?.fingerprint ?? origin.fingerprint,
    ...data,
    search: `${data.sku}\n${data.name}`.toLowerCase(),
    createdAt: state?.createdAt ?? at,
    updatedAt: at,
  });

export const productView = ({ state, version }: Versioned<ProductState>): Product => ({
  sku: state.sku,
  name: state.name,
  price: state.price,
  taxRate: state.taxRate,
  status: state.status,
  createdAt: state.createdAt,
  updatedAt: state.updatedAt,
  version,
});
