// From what a client asks to an order with frozen prices. Pure.
import type { PricedProduct } from "../../core/contracts/product.ts";
import type { OrderLine, PlaceOrder } from "../../core/contracts/order.ts";
import { refusal, type FieldError, type Refusal } from "../../core/kernel/errors.ts";
import { beyondLargest, sumAmounts, type Amounts } from "../../core/kernel/money.ts";
import type { SagaCause } from "../../core/saga/record.ts";
import { mergeLines } from "./order.lines.ts";

export interface Priced {
  readonly ok: true;
  readonly lines: readonly OrderLine[];
  readonly totals: Amounts;
  /** Set when a product is known but not on sale: the order is then made and rejected. */
  readonly unavailable: SagaCause | null;
}
export type Pricing = Priced | { readonly ok: false; readonly refusal: Refusal };

/** Prices are the catalogue's, or the import's own; name and tax rate are always the catalogue's. */
export function priceOrder(asked: PlaceOrder, products: readonly PricedProduct[]): Pricing {
  const catalogue = new Map(products.map(product => [product.sku, product]));
  const unknown = errorsOf(
    asked,
    line => (catalogue.has(line.sku) ? null : `no product has the SKU ${line.sku}`),
    "sku",
  );
  if (unknown.length > 0) return refused("UNKNOWN_SKU", unknown);
  const priced = asked.lines.flatMap(({ sku, quantity, unitPrice }) => {
    const product = catalogue.get(sku);
    if (product === undefined) return [];
    return [{ sku, name: product.name, quantity, unitPrice: unitPrice ?? product.price, taxRate: product.taxRate }];
  });
  const foreign = errorsOf(
    asked,
    (_, index) => {
      const currency = priced[index]?.unitPrice.currency;
      return currency === asked.currency ? null : `its price is in ${String(currency)}, the order in ${asked.currency}`;
    },
    "unitPrice",
  );
  if (foreign.length > 0) return refused("VALIDATION_FAILED", foreign);
  const tooLarge = beyondLargest(priced);
  if (tooLarge !== null) return refused("VALIDATION_FAILED", [{ pointer: "/lines", message: tooLarge }]);
  const lines = mergeLines(priced);
  const off = asked.lines.find(line => catalogue.get(line.sku)?.status !== "ACTIVE");
  const unavailable: SagaCause | null =
    off === undefined ? null : { code: "PRODUCT_UNAVAILABLE", detail: `${off.sku} is not on sale`, sku: off.sku };
  return { ok: true, lines, totals: sumAmounts(lines, asked.currency), unavailable };
}

function errorsOf(
  { lines }: PlaceOrder,
  check: (line: PlaceOrder["lines"][number], index: number) => string | null,
  field: string,
): FieldError[] {
  return lines.flatMap((line, index) => {
    const message = check(line, index);
    return message === null ? [] : [{ pointer: `/lines/${String(index)}/${field}`, message }];
  });
}

function refused(code: "UNKNOWN_SKU" | "VALIDATION_FAILED", errors: readonly FieldError[]): Pricing {
  const [first] = errors;
  return {
    ok: false,
    refusal: refusal(code, first === undefined ? "" : `${first.pointer}: ${first.message}`, { errors }),
  };
}
