import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, Id, nullable, Page, pageQuery, Timestamp, Version } from "./common.ts";
import { park, react } from "./reactions.ts";

export const NotificationStatus = Type.Enum(["QUEUED", "SENT", "DELIVERED", "FAILED", "DEAD"]);

export const Notification = closed({
  id: Id,
  orderId: nullable(Id),
  customerId: nullable(Id),
  channel: Type.Literal("EMAIL"),
  template: Type.String(),
  recipient: Type.String(),
  subject: Type.String(),
  body: Type.String(),
  status: NotificationStatus,
  attempts: Type.Integer({ minimum: 0 }),
  lastError: nullable(Type.String()),
  createdAt: Timestamp,
  version: Version,
});
export type Notification = Static<typeof Notification>;

export const notificationActions = {
  "v1.notification.list": action({
    params: closed({ orderId: Type.Optional(Id), status: Type.Optional(NotificationStatus), ...pageQuery }),
    result: Page(Notification),
    auth: "notifications:read",
    read: true,
    rest: { method: "GET", path: "/v1/notifications", summary: "Mail and its fate, newest first" },
  }),
  "v1.notification.react": react,
  "v1.notification.park": park,
};
