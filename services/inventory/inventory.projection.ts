// The movements: what inventory's own events say, kept for ever, one document per event.
import type { EventType } from "../../core/contracts/index.ts";
import type { Delivered, Reaction, Reactions, Together } from "../../core/reactions.ts";
import { keep, write } from "../../core/store/port.ts";
import type { MovementEvent } from "./inventory.domain.ts";
import type { Items } from "./inventory.items.ts";
import { toStored } from "./inventory.schema.ts";
import { movementOf } from "./movement.domain.ts";

type Moved = Delivered<MovementEvent["type"]>;

const types = [
  "stock.received.v1",
  "stock.adjusted.v1",
  "stock.reserved.v1",
  "stock.released.v1",
  "stock.expired.v1",
  "stock.committed.v1",
  "stock.sold.v1",
  "stock.returned.v1",
] as const satisfies readonly MovementEvent["type"][];

/** Written beside each other, so that a busy item's events cost one write of the database and not one each. */
async function project({ movements, progress }: Items, events: readonly Moved[]): Promise<void> {
  await Promise.all(
    events.map(event =>
      movements.update(
        event.id,
        current => {
          if (current !== null) return keep(null);
          return write(toStored(movementOf(event as MovementEvent, event.seq, event.time)), [], null);
        },
        { expectsNew: true },
      ),
    ),
  );
  // Last: up to here none is missing, also if the process dies among the writes above.
  const last = events.at(-1);
  if (last === undefined) return;
  await progress.update(last.subject, current =>
    (current?.state.seq ?? 0) >= last.seq ? keep(null) : write({ seq: last.seq }, [], null),
  );
}

export function movementReactions(deps: Items): Reactions {
  const one: Reaction<MovementEvent["type"]> = event => project(deps, [event]);
  return Object.fromEntries(types.map(type => [type, one]));
}

export const movementsTogether = (deps: Items): Together => ({
  types: new Set<EventType>(types),
  take: events => project(deps, events as readonly Moved[]),
});
