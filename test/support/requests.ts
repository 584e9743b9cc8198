// Requests as the gateway makes them, and a database to answer them on.
import { scopes } from "../../core/contracts/action.ts";
import { deriveId } from "../../core/derive-id.ts";
import type { Principal, Request } from "../../core/request.ts";
import { createManualClock, createManualRandom } from "./manual-clock.ts";
import type { Faults } from "./faulty-driver.ts";
import { createMemoryStorage, openMemoryDatabase } from "./memory-driver.ts";

const administrator: Principal = { kind: "user", id: "admin", scopes, customerId: null };

export const asStaff = (rest: Partial<Request> = {}): Request => ({
  principal: administrator,
  call: action => Promise.reject(new Error(`This test does not answer ${action}`)),
  accepted: rest.call ?? (action => Promise.reject(new Error(`This test does not answer ${action}`))),
  traceId: "test",
  deadline: Number.MAX_SAFE_INTEGER,
  idempotency: null,
  ifMatch: null,
  wait: 0,
  ...rest,
});

export const asCustomer = (customerId: string, rest: Partial<Request> = {}): Request =>
  asStaff({ principal: { kind: "user", id: `account of ${customerId}`, scopes, customerId }, ...rest });

/** With the Idempotency-Key `key` of a request whose body is `body`. */
export const withKey = (key: string, body: unknown): Partial<Request> => ({
  idempotency: { key, fingerprint: deriveId(JSON.stringify(body)) },
});

/** What a service's handlers need, in memory, on a clock that the test moves. */
export function memoryEnvironment(faults: Faults = {}) {
  const clock = createManualClock();
  const random = createManualRandom();
  const storage = createMemoryStorage();
  const open = () => openMemoryDatabase(storage, { clock, random, outboxBound: 10_000 }, faults);
  return { clock, random, database: open(), open };
}
