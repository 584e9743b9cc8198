import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, Keyed, Name, Page, pageQuery, Price, Sku, TaxRate, Timestamp, Version } from "./common.ts";

export const ProductStatus = Type.Enum(["ACTIVE", "INACTIVE"]);

export const Product = closed({
  sku: Sku,
  name: Name,
  price: Price,
  taxRate: TaxRate,
  status: ProductStatus,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  version: Version,
});
export type Product = Static<typeof Product>;

/** What an order freezes of a product. */
export const PricedProduct = closed({ sku: Sku, name: Name, price: Price, taxRate: TaxRate, status: ProductStatus });
export type PricedProduct = Static<typeof PricedProduct>;

export const productActions = {
  "v1.product.list": action({
    params: closed({
      q: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "Part of the SKU or the name" })),
      status: Type.Optional(ProductStatus),
      ...pageQuery,
    }),
    result: Page(Product),
    auth: "public",
    read: true,
    rest: { method: "GET", path: "/v1/products", summary: "The catalogue" },
  }),
  "v1.product.get": action({
    params: closed({ sku: Sku }),
    result: Product,
    auth: "public",
    read: true,
    rest: { method: "GET", path: "/v1/products/{sku}", summary: "One product" },
  }),
  "v1.product.create": action({
    params: closed({ sku: Sku, name: Name, price: Price, taxRate: Type.Optional(TaxRate) }),
    result: Keyed(Product),
    auth: "products:write",
    rest: {
      method: "POST",
      path: "/v1/products",
      summary: "Add a product",
      status: 201,
      key: "optional",
      location: "/v1/products/{sku}",
    },
  }),
  "v1.product.change": action({
    params: closed({
      sku: Sku,
      name: Type.Optional(Name),
      price: Type.Optional(Price),
      taxRate: Type.Optional(TaxRate),
      status: Type.Optional(ProductStatus),
    }),
    result: Product,
    auth: "products:write",
    rest: { method: "PATCH", path: "/v1/products/{sku}", summary: "Change a product", ifMatch: true },
  }),
  /** The catalogue's prices at this moment, for all SKUs in one call; a SKU that nobody knows is missing from the answer. */
  "v1.product.price": action({
    params: closed({ skus: Type.Array(Sku, { minItems: 1, maxItems: 1000 }) }),
    result: closed({ products: Type.Array(PricedProduct) }),
    auth: "internal",
    read: true,
  }),
};

export const productEvents = {
  "product.created.v1": closed({ sku: Sku, name: Name, price: Price, taxRate: TaxRate, status: ProductStatus }),
  "product.changed.v1": closed({ sku: Sku, name: Name, price: Price, taxRate: TaxRate, status: ProductStatus }),
};
