// Notification: mail, sent because of events.
import type { ServiceSchema } from "moleculer";
import { notificationActions } from "../../core/contracts/notification.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { inboxCollection, subscriber } from "../../core/reactions.ts";
import { implement } from "../../core/service.ts";
import { embeddedMailer } from "./mailer.embedded.ts";
import { deliverDue } from "./notification.deliver.ts";
import { notificationHandlers } from "./notification.handlers.ts";
import { notificationReactions } from "./notification.reactions.ts";
import { notificationCollection } from "./notification.schema.ts";

/** For mail that waits for its next attempt, or whose process died; new mail does not wait for it. */
const SWEEP_EVERY_MS = 5_000;

export function createService(env: Environment): ServiceSchema {
  const { clock, random } = env;
  const own = env.database("notification");
  const notifications = own.collection(notificationCollection);
  const reactions = subscriber(notificationReactions({ notifications, clock }), own.collection(inboxCollection));
  const deliverer = createLoop(clock, SWEEP_EVERY_MS);
  const onQueued = () => {
    deliverer.kick();
  };
  const round = async () => {
    if (await deliverDue({ notifications, mailer: embeddedMailer, clock, random })) deliverer.kick();
  };
  return {
    name: "notification",
    version: 1,
    mixins: [own.mixin],
    metadata: { subscribes: reactions.types },
    actions: implement(notificationActions, notificationHandlers({ notifications, reactions, onQueued })),
    started() {
      deliverer.start(round, error => {
        this.logger.warn(`Mail was not delivered and is tried again: ${String(error)}`);
      });
    },
    stopped: () => deliverer.stop(),
  };
}
