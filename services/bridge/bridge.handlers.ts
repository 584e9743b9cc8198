// What the bridge answers: append, and the dead letters.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { bridgeActions } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { events as contracts } from "../../core/contracts/index.ts";
import { fail } from "../../core/errors.ts";
import type { FieldError } from "../../core/kernel/errors.ts";
import { checkOf, type Check } from "../../core/middlewares/validator.ts";
import { decodeCursor, encodeCursor } from "../../core/paging.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { Delivery } from "./delivery.ts";
import type { EventLog } from "./event-log.ts";

const DEFAULT_LIMIT = 20;
const checks = new Map<string, Check>(Object.entries(contracts).map(([type, schema]) => [type, checkOf(schema)]));

function mistakesOf(event: CloudEvent, index: number): FieldError[] {
  const check = checks.get(event.type);
  if (check === undefined)
    return [{ pointer: `/events/${String(index)}/type`, message: `${event.type} is no event type` }];
  const found = check(event.data, true);
  if (found === true) return [];
  return found.map(({ pointer, message }) => ({ pointer: `/events/${String(index)}/data${pointer}`, message }));
}

function requireValid(events: readonly CloudEvent[]): void {
  const errors = events.flatMap(mistakesOf);
  if (errors.length === 0) return;
  const types = [...new Set(events.map(({ type }) => type))].join(", ");
  throw fail("VALIDATION_FAILED", `An event of ${types} does not fit its schema: nothing was appended`, { errors });
}

export interface BridgeParts {
  readonly log: EventLog;
  readonly deliveryOf: (subscriber: string) => Delivery | undefined;
  readonly onAppended: (events: readonly CloudEvent[]) => void;
}

const placeOf = ({ position, subscriber }: DeadLetter) => [position, subscriber] as const;

export const bridgeHandlers = ({ log, deliveryOf, onAppended }: BridgeParts): HandlersOf<typeof bridgeActions> => ({
  "v1.bridge.append": async ({ events }) => {
    requireValid(events);
    await log.append(events);
    onAppended(events);
    return {};
  },

  "v1.bridge.deadLetters": async ({ subscriber, limit = DEFAULT_LIMIT, cursor }) => {
    const list = `dead letters of ${subscriber ?? "all"}`;
    const [position, name] = cursor === undefined ? [0, ""] : decodeCursor(list, cursor);
    const after = { position: Number(position), subscriber: name };
    const found = await log.deadLetters({
      ...(subscriber === undefined ? {} : { subscriber }),
      after,
      limit: limit + 1,
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const nextCursor = found.length > limit && last !== undefined ? encodeCursor(list, placeOf(last)) : null;
    return { items, nextCursor };
  },

  "v1.bridge.replay": ({ subscriber }) => {
    const delivery = deliveryOf(subscriber);
    if (delivery !== undefined) return delivery.replay();
    const detail = `No subscriber is called ${subscriber}: take the name of a service that has dead letters`;
    return Promise.reject(fail("VALIDATION_FAILED", detail, { errors: [{ pointer: "/subscriber", message: detail }] }));
  },
});
