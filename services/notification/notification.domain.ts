// The life of a notification, from the queue to the recipient.
import type { Static } from "typebox";
import type { NotificationStatus } from "../../core/contracts/notification.ts";
import { canMove, type Transitions } from "../../core/kernel/decider.ts";

export type Status = Static<typeof NotificationStatus>;

export const notificationTransitions: Transitions<Status> = {
  QUEUED: ["SENT", "FAILED", "DEAD"],
  FAILED: ["SENT", "FAILED", "DEAD"],
  SENT: ["DELIVERED"],
  DELIVERED: [],
  DEAD: [],
};

export interface Delivery {
  readonly status: Status;
  /** Attempts begun. */
  readonly attempts: number;
  readonly lastError: string | null;
  /** When the next attempt may begin, in ms since the epoch; null when there is none to come. */
  readonly dueAt: number | null;
}

/** After so many attempts a mail is DEAD. */
export const MAX_ATTEMPTS = 8;

export const queued = (now: number): Delivery => ({ status: "QUEUED", attempts: 0, lastError: null, dueAt: now });

/** Its one attempt was storing it. */
export const stored = (): Delivery => ({ status: "DELIVERED", attempts: 1, lastError: null, dueAt: null });

const moved = (from: Delivery, to: Delivery): Delivery | null =>
  canMove(notificationTransitions, from.status, to.status) ? to : null;

/**
 * Begins an attempt: until `leaseUntil` nobody else begins one. Null when it is not due: somebody else has it, or it has ended.
 * One whose every attempt ended with its process is DEAD like one that was refused as often.
 */
export function beginAttempt(current: Delivery, now: number, leaseUntil: number): Delivery | null {
  if (current.dueAt === null || current.dueAt > now) return null;
  if (current.attempts >= MAX_ATTEMPTS) {
    return moved(current, {
      ...current,
      status: "DEAD",
      lastError: current.lastError ?? "No attempt ended",
      dueAt: null,
    });
  }
  return { ...current, attempts: current.attempts + 1, dueAt: leaseUntil };
}

/** The mailer took it, and may know already that it arrived. Null when that is known. */
export function settle(current: Delivery, receipt: "SENT" | "DELIVERED"): Delivery | null {
  const sent = moved(current, { ...current, status: "SENT", lastError: null, dueAt: null });
  if (receipt === "SENT") return sent;
  return moved(sent ?? current, { ...(sent ?? current), status: "DELIVERED" });
}

/**
 * The attempt numbered `attempt` failed; `retryAt` is null when the answer was definite. Null when a later attempt has
 * begun or one was taken.
 */
export function failAttempt(
  current: Delivery,
  attempt: number,
  error: string,
  retryAt: number | null,
): Delivery | null {
  if (current.attempts !== attempt) return null;
  const isLast = retryAt === null || attempt >= MAX_ATTEMPTS;
  return moved(current, {
    ...current,
    status: isLast ? "DEAD" : "FAILED",
    lastError: error,
    dueAt: isLast ? null : retryAt,
  });
}
