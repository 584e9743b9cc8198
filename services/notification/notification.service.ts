// Notification: mail, sent because of events.
import type { ServiceSchema } from "moleculer";
import { notificationActions } from "../../core/contracts/notification.ts";
import type { Environment } from "../../core/environment.ts";
import { createLoop } from "../../core/loop.ts";
import { implement } from "../../core/service.ts";
import { embeddedMailer } from "./mailer.embedded.ts";
import { smtpMailer } from "./mailer.smtp.ts";
import { createNotification } from "./notification.parts.ts";

/** For mail that waits for its next attempt, or whose process died; new mail does not wait for it. */
const SWEEP_EVERY_MS = 5_000;
/** For the mails under way when the service stops; broken off, they are free for another process at once. */
const GRACE_MS = 2_000;

export function createService(env: Environment): ServiceSchema {
  const { clock, random, config } = env;
  const smtp = config.cluster?.smtp ?? null;
  const mailer = smtp === null ? embeddedMailer : smtpMailer(smtp);
  const database = env.database("notification");
  const deliverer = createLoop(clock, SWEEP_EVERY_MS, random);
  const onQueued = () => {
    deliverer.kick();
  };
  const { handlers, types, deliver } = createNotification({ database, mailer, clock, random, onQueued });
  const round = async () => {
    if (await deliver()) deliverer.kick();
  };
  return {
    name: "notification",
    version: 1,
    mixins: [database.mixin],
    metadata: { subscribes: types },
    actions: implement(notificationActions, handlers),
    started() {
      deliverer.start(round, error => {
        this.logger.warn(`Mail was not delivered and is tried again: ${String(error)}`);
      });
    },
    async stopped() {
      const ended = deliverer.stop();
      await Promise.race([ended, clock.sleep(GRACE_MS)]);
      mailer.close?.();
      await ended;
    },
  };
}
