// The stored order: the aggregate, its saga's record and its timeline in one document.
import type { Order, OrderLine, Return, Shipment, TimelineEntry } from "../../core/contracts/order.ts";
import type { Amounts } from "../../core/kernel/money.ts";
import type { SagaRecord } from "../../core/saga/record.ts";
import type { CollectionSpec } from "../../core/store/port.ts";

export interface OrderState {
  readonly number: string;
  readonly status: Order["status"];
  readonly paymentStatus: Order["paymentStatus"];
  readonly fulfillmentStatus: Order["fulfillmentStatus"];
  readonly customerId: string | null;
  readonly email: string | null;
  readonly currency: string;
  readonly method: string;
  readonly lines: readonly OrderLine[];
  readonly totals: Amounts;
  readonly payment: Order["payment"];
  /** The number of the last payment event that was applied. */
  readonly paymentSeq: number;
  readonly invoiceId: string | null;
  readonly rejection: Order["rejection"];
  readonly shipments: readonly Shipment[];
  readonly returns: readonly Return[];
  /** The wish to cancel; granted at once, or when the saga comes to where it can be. */
  readonly cancel: { readonly reason: string } | null;
  /** Ids of the keyed commands it took, with their fingerprints: kept for ever, so that keys never expire. */
  readonly commands: Readonly<Record<string, string>>;
  readonly placedAt: string;
  readonly createdAt: string;
  /** Of the request that placed it. */
  readonly fingerprint: string;
  /** When the first of its reservations ends; null before the reserve step. */
  readonly reservedUntil: string | null;
  readonly saga: SagaRecord;
  readonly states: readonly TimelineEntry[];
}

export const orderCollection: CollectionSpec<OrderState> = {
  name: "orders",
  aggregate: "order",
  schemaVersion: 1,
  indexes: [
    { on: ["number"], unique: true },
    { on: ["placedAt"] },
    { on: ["customerId", "placedAt"] },
    { on: ["status", "placedAt"] },
    { on: ["saga.dueAt"] },
  ],
};
