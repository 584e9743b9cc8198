// What every command handler checks: its key, and the version it was decided on.
import { refusal, type Refusal } from "./kernel/errors.ts";
import type { Request } from "./request.ts";

export const reusedKey: Refusal = refusal(
  "IDEMPOTENCY_KEY_REUSED",
  "This Idempotency-Key came before with another request: take a new key",
);

/** A key seen before with another request. `stored` is the fingerprint left by the first. */
export function keyReused(stored: string, request: Request): Refusal | null {
  if (request.idempotency === null || request.idempotency.fingerprint === stored) return null;
  return reusedKey;
}

export function versionMismatch(current: number, request: Request): Refusal | null {
  if (request.ifMatch === null || request.ifMatch === current) return null;
  return refusal(
    "PRECONDITION_FAILED",
    `If-Match names version ${String(request.ifMatch)}, it is at ${String(current)}: read it again`,
  );
}

/** The fingerprint a command leaves; "" when it came without a key. */
export const fingerprintOf = (request: Request): string => request.idempotency?.fingerprint ?? "";
