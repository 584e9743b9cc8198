// Whether anything is still under way.
import { readAll, waitingEvents } from "./snapshot.ts";
import type { PaymentState } from "../../services/billing/payment.domain.ts";
import type { InvoiceState } from "../../services/billing/invoice.domain.ts";
import type { Stock } from "../../services/inventory/inventory.domain.ts";
import type { OrderState } from "../../services/order/order.schema.ts";
import type { World } from "./world.ts";

/** What is not finished, in one sentence; null when all is. */
export function whatGoesOn(world: World): string | null {
  const dead = world.processes.find(({ alive, node }) => !alive || node.frozen);
  if (dead !== undefined) return `${dead.name} is not up`;
  const order = readAll<OrderState>(world, "order", "orders").find(({ state }) => state.saga.dueAt !== null);
  if (order !== undefined) return `the saga of order ${order.id}`;
  const waiting = waitingEvents(world);
  if (waiting > 0) return `${String(waiting)} events in outboxes`;
  const behind = subscriberBehind(world);
  if (behind !== null) return `${behind} has not had all its events`;
  const item = readAll<Stock>(world, "inventory", "stock_items").find(({ state }) => state.reserved > 0);
  if (item !== undefined) return `reservations of ${item.id}`;
  const payment = readAll<PaymentState>(world, "billing", "payments").find(({ state }) => state.dueAt !== null);
  if (payment !== undefined) return `payment ${payment.id}`;
  const draft = readAll<InvoiceState>(world, "billing", "invoices").find(({ state }) => state.status === "DRAFT");
  return draft === undefined ? null : `draft ${draft.id}`;
}

function subscriberBehind({ disk, processes }: World): string | null {
  if (disk.letters.size > 0) return [...disk.letters.values()][0]?.subscriber ?? null;
  for (const [subscriber, types] of processes[0]?.subscribers() ?? []) {
    const last = disk.events.findLastIndex(({ type }) => types.includes(type));
    if (last + 1 > (disk.positions.get(subscriber) ?? 0)) return subscriber;
  }
  return null;
}
