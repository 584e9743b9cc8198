// Placing: what is checked before an order document exists, and the document it starts as.
import type { Order, PlaceOrder } from "../../core/contracts/order.ts";
import { fingerprintOf } from "../../core/commands.ts";
import { deriveId } from "../../core/derive-id.ts";
import { fail, toError } from "../../core/errors.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { customerOf, hasScope, type Request } from "../../core/request.ts";
import { endedSaga, startSaga } from "../../core/saga/record.ts";
import { applied, stateChange } from "./order.changes.ts";
import { placedEvent, type OrderEvent } from "./order.domain.ts";
import { priceOrder, type Priced } from "./order.pricing.ts";
import type { OrderState } from "./order.schema.ts";

/** The method of an order that asks nobody for money. */
const UNPAID = "none";

interface Buyer {
  readonly customerId: string | null;
  readonly email: string | null;
}

/** Everything that can refuse the request, asked of the services that know; nothing is written. */
export async function checkOrder(asked: PlaceOrder, request: Request): Promise<{ buyer: Buyer; priced: Priced }> {
  checkImport(asked, request);
  const skus = [...new Set(asked.lines.map(line => line.sku))];
  const [buyer, { products }] = await Promise.all([
    buyerOf(asked, request),
    request.call("v1.product.price", { skus }),
    request.call("v1.inventory.admit", {}),
    request.call("v1.billing.admit", {}),
  ]);
  const priced = priceOrder(asked, products);
  if (!priced.ok) throw toError(priced.refusal);
  requirePayment(asked, priced);
  return { buyer, priced };
}

function requirePayment({ payment }: PlaceOrder, { totals }: Priced): void {
  if (payment !== undefined || totals.gross.amount === 0) return;
  const message = "is required unless the total is 0";
  throw fail("VALIDATION_FAILED", `/payment ${message}`, { errors: [{ pointer: "/payment", message }] });
}

function checkImport(asked: PlaceOrder, { principal }: Request): void {
  if (hasScope(principal, "orders:import")) return;
  const fields = [
    ...(asked.placedAt === undefined ? [] : ["/placedAt"]),
    ...(asked.number === undefined ? [] : ["/number"]),
    ...asked.lines.flatMap((line, index) =>
      line.unitPrice === undefined ? [] : [`/lines/${String(index)}/unitPrice`],
    ),
  ];
  if (fields.length === 0) return;
  const errors = fields.map(pointer => ({ pointer, message: "only with the scope orders:import" }));
  throw fail("FORBIDDEN", `${fields.join(", ")}: only with the scope orders:import`, { errors });
}

/** A customer orders for itself; another customer's id is told it does not exist. The e-mail is for contact only. */
async function buyerOf(asked: PlaceOrder, request: Request): Promise<Buyer> {
  const own = customerOf(request.principal);
  const customerId = asked.customerId ?? own;
  if (own !== null && customerId !== own) {
    throw fail("CUSTOMER_NOT_FOUND", `There is no customer ${String(customerId)}`);
  }
  if (customerId === null) {
    if (asked.email === undefined && !hasScope(request.principal, "orders:import")) {
      const message = "give a customerId or an email";
      throw fail("VALIDATION_FAILED", message, { errors: [{ pointer: "/customerId", message }] });
    }
    return { customerId, email: asked.email ?? null };
  }
  const customer = await request.call("v1.customer.require", { id: customerId });
  return { customerId, email: asked.email ?? customer.email };
}

export interface NewOrder {
  readonly state: OrderState;
  readonly events: readonly OrderEvent[];
}

/** `now` in ms since the epoch. A product that is not on sale makes the order and rejects it in the same write. */
export function newOrder(
  id: string,
  asked: PlaceOrder,
  { buyer, priced }: { buyer: Buyer; priced: Priced },
  { now, leaseMs, request }: { now: number; leaseMs: number; request: Request },
): NewOrder {
  const at = timestamp(now);
  const { lines, totals, unavailable } = priced;
  const state: OrderState = {
    ...buyer,
    number: asked.number ?? numberOf(id),
    status: "PENDING",
    paymentStatus: "NOT_PAID",
    fulfillmentStatus: "UNFULFILLED",
    currency: asked.currency,
    method: asked.payment?.method ?? UNPAID,
    lines,
    totals,
    payment: null,
    paymentSeq: 0,
    invoiceId: null,
    rejection: null,
    shipments: [],
    returns: [],
    cancel: null,
    commands: {},
    placedAt: asked.placedAt === undefined ? at : timestamp(Date.parse(asked.placedAt)),
    createdAt: at,
    fingerprint: fingerprintOf(request),
    reservedUntil: null,
    saga: unavailable === null ? startSaga(now, leaseMs) : endedSaga(unavailable),
    states: [stateChange("PENDING", at, null)],
  };
  const placed = { state, events: [placedEvent(id, state)] };
  if (unavailable === null) return placed;
  const rejection: NonNullable<Order["rejection"]> = { ...unavailable, code: "PRODUCT_UNAVAILABLE" };
  const change = applied(id, { type: "reject", rejection }, state, at);
  if (!change.ok) throw toError(change.refusal);
  return { state: change.state, events: [...placed.events, ...change.events] };
}

/** Readable on the phone: 60 bits that follow from the id, as "CO-" and 12 letters or digits, without those that look alike. */
function numberOf(id: string): string {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's base 32
  const bits = Buffer.from(deriveId("order number", id), "base64url").readBigUInt64BE() >> 4n;
  const digits = Array.from({ length: 12 }, (_, index) => letters[Number((bits >> BigInt(5 * (11 - index))) & 31n)]);
  return `CO-${digits.join("")}`;
}
