// Notification put together on a database and a mailer, without a broker.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import type { Database } from "../../core/store/port.ts";
import type { Mailer } from "./mailer.port.ts";
import { deliverDue } from "./notification.deliver.ts";
import { notificationHandlers } from "./notification.handlers.ts";
import { notificationReactions } from "./notification.reactions.ts";
import { notificationCollection } from "./notification.schema.ts";

interface Parts {
  readonly database: Database;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly random: Random;
  /** Called when reactions may have queued mail. */
  readonly onQueued: () => void;
}

export function createNotification({ database, mailer, clock, random, onQueued }: Parts) {
  const notifications = database.collection(notificationCollection);
  const reactions = subscriber(
    notificationReactions({ notifications, mailer, clock }),
    database.collection(inboxCollection),
  );
  return {
    /** The event types it subscribes to. */
    types: reactions.types,
    handlers: notificationHandlers({ notifications, reactions, onQueued }),
    /** One round of sending; true when there may be more to send. */
    deliver: () => deliverDue({ notifications, mailer, clock, random }),
  };
}
