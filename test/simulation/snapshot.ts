// What the durable world holds, read past every process.
import type { LedgerEntry } from "../../services/billing/provider.simulator.ts";
import type { Counter } from "../../services/billing/billing.schema.ts";
import type { InvoiceState } from "../../services/billing/invoice.domain.ts";
import type { PaymentState } from "../../services/billing/payment.domain.ts";
import type { Stock, StockEntry } from "../../services/inventory/inventory.domain.ts";
import type { StoredMovement } from "../../services/inventory/inventory.schema.ts";
import type { NotificationState } from "../../services/notification/notification.schema.ts";
import type { OrderState } from "../../services/order/order.schema.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { MemoryStorage } from "../support/memory-driver.ts";
import type { World } from "./world.ts";

export interface Stored<S> {
  readonly id: string;
  readonly version: number;
  readonly seq: number;
  readonly state: S;
}
export interface StockItem extends Stored<Stock> {
  readonly entries: readonly StockEntry[];
}

export interface Snapshot {
  readonly orders: readonly Stored<OrderState>[];
  readonly items: readonly StockItem[];
  readonly movements: readonly Stored<StoredMovement>[];
  readonly payments: readonly Stored<PaymentState>[];
  readonly invoices: readonly Stored<InvoiceState>[];
  readonly counters: readonly Stored<Counter>[];
  readonly notifications: readonly Stored<NotificationState>[];
  readonly ledger: readonly Stored<LedgerEntry>[];
  /** The log as it is, repeats included. */
  readonly log: readonly CloudEvent[];
  /** Ids of events in the order in which they happened. */
  readonly written: readonly string[];
  /** Events that wait in outboxes. */
  readonly waiting: number;
  readonly documents: readonly (Stored<unknown> & { readonly aggregate: string })[];
}

const tableOf = (storage: MemoryStorage | undefined, collection: string) => storage?.get(collection);

export function readAll<S>(world: World, database: string, collection: string): Stored<S>[] {
  const table = tableOf(world.durable.storages.get(database), collection);
  return [...(table?.documents.values() ?? [])].map(json => JSON.parse(json) as Stored<S>);
}

function stockItems(world: World): StockItem[] {
  const table = tableOf(world.durable.storages.get("inventory"), "stock_items");
  return readAll<Stock>(world, "inventory", "stock_items").map(item => ({
    ...item,
    entries: [...(table?.entries.get(item.id)?.values() ?? [])].map(({ json }) => JSON.parse(json) as StockEntry),
  }));
}

export function waitingEvents(world: World): number {
  let waiting = 0;
  for (const storage of world.durable.storages.values())
    for (const { outbox } of storage.values()) for (const events of outbox.values()) waiting += events.length;
  return waiting;
}

export function takeSnapshot(world: World): Snapshot {
  const aggregates = [
    ["order", "orders", "order"],
    ["billing", "payments", "payment"],
    ["billing", "invoices", "invoice"],
    ["inventory", "stock_items", "stock"],
  ] as const;
  return {
    orders: readAll(world, "order", "orders"),
    items: stockItems(world),
    movements: readAll(world, "inventory", "movements"),
    payments: readAll(world, "billing", "payments"),
    invoices: readAll(world, "billing", "invoices"),
    counters: readAll(world, "billing", "numbering"),
    notifications: readAll(world, "notification", "notifications"),
    ledger: readAll(world, "provider", "ledger"),
    log: world.disk.events,
    written: [...world.durable.written],
    waiting: waitingEvents(world),
    documents: aggregates.flatMap(([database, collection, aggregate]) =>
      readAll<unknown>(world, database, collection).map(document => ({ ...document, aggregate })),
    ),
  };
}
