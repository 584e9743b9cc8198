// An event becomes one mail, once: the notification's id follows from the event's.
import type { EventData } from "../../core/contracts/index.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import type { Delivered, Reactions } from "../../core/reactions.ts";
import type { Request } from "../../core/request.ts";
import { keep, write, type DocumentStore } from "../../core/store/port.ts";
import type { Mailer } from "./mailer.port.ts";
import { queued, stored } from "./notification.domain.ts";
import { mailsBy } from "./notification.metrics.ts";
import type { NotificationState } from "./notification.schema.ts";
import { render, templates, type MailedEvent } from "./notification.templates.ts";

interface Deps {
  readonly notifications: DocumentStore<NotificationState>;
  readonly mailer: Mailer;
  readonly clock: Clock;
}
type About = Pick<NotificationState, "orderId" | "orderNumber" | "customerId" | "recipient">;
type OrderEvent = Extract<MailedEvent, `order.${string}`>;
type DocumentEvent = "invoice.issued.v1" | "creditnote.issued.v1";

async function queue<T extends MailedEvent>({ notifications, mailer, clock }: Deps, event: Delivered<T>, about: About) {
  const now = clock.now();
  const template = templates[event.type];
  const { result: isNew } = await notifications.update(
    `ntf:${event.id}`,
    current => {
      if (current !== null) return keep(false);
      const mail = render(event.type, event.data, about.orderNumber);
      const delivery = mailer.deliversByStoring === true ? stored() : queued(now);
      return write({ ...about, ...mail, ...delivery, template, createdAt: timestamp(now) }, [], true);
    },
    { expectsNew: true },
  );
  if (isNew && mailer.deliversByStoring === true) mailsBy.sent.inc();
}

/** A refund's event does not tell whose it is, and the order's own mails may come after it: the order is asked. */
async function aboutOrder(id: string, { call }: Request): Promise<About | null> {
  const { number: orderNumber, customerId, email } = await call("v1.order.get", { id });
  return email === null ? null : { orderId: id, orderNumber, customerId, recipient: email };
}

export function notificationReactions(deps: Deps): Reactions {
  async function ofOrder<T extends OrderEvent>(event: Delivered<T>): Promise<void> {
    const { orderId, number: orderNumber, customerId, email } = event.data as EventData<OrderEvent>;
    if (email !== null) await queue(deps, event, { orderId, orderNumber, customerId, recipient: email });
  }
  async function ofDocument<T extends DocumentEvent>(event: Delivered<T>): Promise<void> {
    const { orderId, customerId, email } = event.data as EventData<DocumentEvent>;
    if (email !== null) await queue(deps, event, { orderId, orderNumber: null, customerId, recipient: email });
  }
  return {
    "account.registered.v1": event => {
      const { customerId, email } = event.data;
      return queue(deps, event, { orderId: null, orderNumber: null, customerId, recipient: email });
    },
    "order.confirmed.v1": ofOrder,
    "order.rejected.v1": ofOrder,
    "order.cancelled.v1": ofOrder,
    "order.shipped.v1": ofOrder,
    "order.returned.v1": ofOrder,
    "invoice.issued.v1": ofDocument,
    "creditnote.issued.v1": ofDocument,
    "payment.refunded.v1": async (event, request) => {
      const about = await aboutOrder(event.data.orderId, request);
      if (about !== null) await queue(deps, event, about);
    },
  };
}
