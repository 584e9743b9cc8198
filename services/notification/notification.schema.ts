// A notification as it is stored, under an id that follows from its event.
import type { Notification } from "../../core/contracts/notification.ts";
import type { CollectionSpec, Versioned } from "../../core/store/port.ts";
import type { Delivery } from "./notification.domain.ts";
import type { TemplateName } from "./notification.templates.ts";

export interface NotificationState extends Delivery {
  readonly orderId: string | null;
  readonly orderNumber: string | null;
  readonly customerId: string | null;
  readonly template: TemplateName;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
  readonly createdAt: string;
}

export const notificationCollection: CollectionSpec<NotificationState> = {
  name: "notifications",
  aggregate: "notification",
  indexes: [
    { on: ["createdAt"] },
    { on: ["orderId", "createdAt"] },
    { on: ["customerId", "createdAt"] },
    { on: ["status", "createdAt"] },
    { on: ["dueAt"] },
  ],
  eventless: true,
  schemaVersion: 1,
};

export const notificationView = ({ id, state, version }: Versioned<NotificationState>): Notification => ({
  id,
  orderId: state.orderId,
  customerId: state.customerId,
  channel: "EMAIL",
  template: state.template,
  recipient: state.recipient,
  subject: state.subject,
  body: state.body,
  status: state.status,
  attempts: state.attempts,
  lastError: state.lastError,
  createdAt: state.createdAt,
  version,
});
