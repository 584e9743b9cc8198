// What notification answers.
import type { notificationActions } from "../../core/contracts/notification.ts";
import { listPage } from "../../core/paging.ts";
import type { subscriber } from "../../core/reactions.ts";
import { customerOf } from "../../core/request.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { DocumentStore } from "../../core/store/port.ts";
import { notificationView, type NotificationState } from "./notification.schema.ts";

export interface NotificationDeps {
  readonly notifications: DocumentStore<NotificationState>;
  readonly reactions: ReturnType<typeof subscriber>;
  /** Called when reactions may have queued mail. */
  readonly onQueued: () => void;
}

export const notificationHandlers = ({
  notifications,
  reactions,
  onQueued,
}: NotificationDeps): HandlersOf<typeof notificationActions> => ({
  "v1.notification.list": ({ orderId, status, ...page }, { principal }) => {
    const customerId = customerOf(principal);
    const where = {
      ...(orderId === undefined ? {} : { orderId }),
      ...(status === undefined ? {} : { status }),
      ...(customerId === null ? {} : { customerId }),
    };
    return listPage(notifications, { where, orderBy: "createdAt", direction: "desc" }, page, notificationView);
  },

  "v1.notification.react": async (params, request) => {
    const outcomes = await reactions.react(params, request);
    onQueued();
    return outcomes;
  },
  "v1.notification.park": params => reactions.park(params),
});
