// Delivers what is due. An attempt is stored before it begins: a process that dies in it leaves a lease that ends.
import type { Clock } from "../../core/kernel/clock.ts";
import { backoff, type Random } from "../../core/kernel/random.ts";
import { keep, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import { MailRefused, type Mailer } from "./mailer.port.ts";
import { beginAttempt, failAttempt, settle, type Delivery } from "./notification.domain.ts";
import { mailsBy } from "./notification.metrics.ts";
import type { NotificationState } from "./notification.schema.ts";

export interface DeliverDeps {
  readonly notifications: DocumentStore<NotificationState>;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly random: Random;
}

/** Mails of one round, sent side by side. */
const ROUND = 50;
/** Longer than a mailer takes to answer or to give up. */
const ATTEMPT_LEASE_MS = 60_000;
const PAUSE = { base: 60_000, cap: 3_600_000 };

/** The notification after the move, or null when there was nothing to do. */
async function move(
  { notifications }: DeliverDeps,
  id: string,
  decide: (current: Delivery) => Delivery | null,
): Promise<NotificationState | null> {
  const { result } = await notifications.update<NotificationState | null>(id, current => {
    const next = current === null ? null : decide(current.state);
    if (current === null || next === null) return keep(null);
    const state = { ...current.state, ...next };
    return write(state, [], state);
  });
  return result;
}

async function deliverOne(deps: DeliverDeps, { id }: Versioned<NotificationState>): Promise<void> {
  const { mailer, clock, random } = deps;
  const begun = await move(deps, id, current => beginAttempt(current, clock.now(), clock.now() + ATTEMPT_LEASE_MS));
  if (begun?.status === "DEAD") mailsBy.dead.inc();
  if (begun === null || begun.status === "DEAD") return;
  const { attempts: attempt, recipient, subject, body } = begun;
  let receipt: "SENT" | "DELIVERED";
  try {
    receipt = await mailer.send({ id, recipient, subject, body });
  } catch (error) {
    const retryAt = error instanceof MailRefused ? null : clock.now() + backoff(attempt, random, PAUSE);
    const failed = await move(deps, id, current => failAttempt(current, attempt, String(error), retryAt));
    if (failed !== null) (failed.status === "DEAD" ? mailsBy.dead : mailsBy.failed).inc();
    return;
  }
  if ((await move(deps, id, current => settle(current, receipt))) !== null) mailsBy.sent.inc();
}

/**
 * One round over the mails that are due, the longest due first. True when there may be more.
 * @throws AggregateError of what the store refused; the mails concerned come again when their lease ends
 */
export async function deliverDue(deps: DeliverDeps): Promise<boolean> {
  const { items } = await deps.notifications.list({
    where: { dueAt: { lte: deps.clock.now() } },
    orderBy: "dueAt",
    limit: ROUND,
  });
  const outcomes = await Promise.allSettled(items.map(item => deliverOne(deps, item)));
  const errors = outcomes.flatMap(outcome => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  if (errors.length > 0) throw new AggregateError(errors, `${String(errors.length)} mails could not be recorded`);
  return items.length === ROUND;
}
