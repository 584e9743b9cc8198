// All contracts in one place: what may be called, with what, and what happened.
import type { Static } from "typebox";
import { accountActions, accountEvents } from "./account.ts";
import type { ActionContract, ParamsOf, ResultOf } from "./action.ts";
import { auditActions, auditEvents, inspections } from "./audit.ts";
import { backupActions } from "./backup.ts";
import { billingActions, billingEvents } from "./billing.ts";
import { bridgeActions } from "./bridge.ts";
import { customerActions, customerEvents } from "./customer.ts";
import { inventoryActions, inventoryEvents } from "./inventory.ts";
import { notificationActions } from "./notification.ts";
import { orderActions, orderEvents } from "./order.ts";
import { productActions, productEvents } from "./product.ts";
import { registryActions } from "./registry.ts";

export const actions = {
  ...accountActions,
  ...productActions,
  ...customerActions,
  ...inventoryActions,
  ...orderActions,
  ...billingActions,
  ...notificationActions,
  ...bridgeActions,
  ...registryActions,
  ...backupActions,
  ...auditActions,
  ...inspections.inventory,
  ...inspections.order,
  ...inspections.billing,
  ...inspections.product,
  ...inspections.customer,
  ...inspections.account,
} satisfies Record<string, ActionContract>;

export const events = {
  ...accountEvents,
  ...productEvents,
  ...customerEvents,
  ...inventoryEvents,
  ...orderEvents,
  ...billingEvents,
  ...auditEvents,
};

export type Actions = typeof actions;
export type ActionName = keyof Actions;
export type Params<A extends ActionName> = ParamsOf<Actions[A]>;
export type Result<A extends ActionName> = ResultOf<Actions[A]>;

export type EventType = keyof typeof events;
export type EventData<T extends EventType> = Static<(typeof events)[T]>;
/** An event as the domain says it; the store adds who, which number and when. */
export type DomainEvent<T extends EventType = EventType> = {
  [K in T]: { readonly type: K; readonly data: EventData<K> };
}[T];
