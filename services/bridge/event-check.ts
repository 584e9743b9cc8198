// Whether events fit the schema of their type: what does not is refused before it is in the log for ever.
import type { CloudEvent } from "../../core/contracts/common.ts";
import { events as contracts } from "../../core/contracts/index.ts";
import { fail } from "../../core/errors.ts";
import type { FieldError } from "../../core/kernel/errors.ts";
import { checkOf, type Check } from "../../core/middlewares/validator.ts";

const checks = new Map<string, Check>(Object.entries(contracts).map(([type, schema]) => [type, checkOf(schema)]));

function mistakesOf(event: CloudEvent, index: number): FieldError[] {
  const check = checks.get(event.type);
  if (check === undefined)
    return [{ pointer: `/events/${String(index)}/type`, message: `${event.type} is no event type` }];
  const found = check(event.data, true);
  if (found === true) return [];
  return found.map(({ pointer, message }) => ({ pointer: `/events/${String(index)}/data${pointer}`, message }));
}

/** @throws VALIDATION_FAILED naming every mistake */
export function requireValid(events: readonly CloudEvent[]): void {
  const errors = events.flatMap(mistakesOf);
  if (errors.length === 0) return;
  const types = [...new Set(events.map(({ type }) => type))].join(", ");
  throw fail("VALIDATION_FAILED", `An event of ${types} does not fit its schema: nothing was appended`, { errors });
}
