// What the bridge answers: append, the dead letters, delivering again, and how far everybody is.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { bridgeActions } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { fail } from "../../core/errors.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import { CURSOR_LENGTH } from "../../core/contracts/bridge.ts";
import { decodeCursor, encodeCursor } from "../../core/paging.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { EventLog } from "./event-log.ts";
import { requireValid } from "./event-check.ts";
import { replayRange } from "./replay-range.ts";

const DEFAULT_LIMIT = 20;
/** A request answers after this long, and the next one goes on. */
const RANGE_BUDGET_MS = 4_000;

export interface BridgeParts {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly random: Random;
  /** Event types by subscriber. */
  readonly subscribers: () => ReadonlyMap<string, readonly string[]>;
  readonly react: (subscriber: string, events: CloudEvent[]) => Promise<readonly Outcome[]>;
  /** Of the feeds that this process delivers; how many dead letters went through. */
  readonly replayHere: (subscriber: string) => Promise<number>;
  /** In every process that delivers. */
  readonly replayEverywhere: (subscriber: string) => Promise<number>;
  readonly onAppended: (events: readonly CloudEvent[]) => void;
}

interface Range {
  readonly subscriber: string;
  readonly from?: string;
  readonly to?: string;
  readonly types?: readonly string[];
  readonly cursor?: string;
}

const placeOf = ({ position, subscriber }: DeadLetter) => [position, subscriber] as const;

function refuse(pointer: string, detail: string): Error {
  return fail("VALIDATION_FAILED", detail, { errors: [{ pointer, message: detail }] });
}

function typesOf({ subscribers }: BridgeParts, subscriber: string): readonly string[] {
  const types = subscribers().get(subscriber);
  if (types !== undefined) return types;
  throw refuse("/subscriber", `No subscriber is called ${subscriber}: take the name of a service that takes events`);
}

async function deadLettersOf(
  { log }: BridgeParts,
  { subscriber, limit = DEFAULT_LIMIT, cursor }: { subscriber?: string; limit?: number; cursor?: string },
) {
  const list = `dead letters of ${subscriber ?? "all"}`;
  const [position, name] = cursor === undefined ? [0, ""] : decodeCursor(list, cursor);
  const after = { position: Number(position), subscriber: name };
  const found = await log.deadLetters({ ...(subscriber === undefined ? {} : { subscriber }), after, limit: limit + 1 });
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = found.length > limit && last !== undefined ? encodeCursor(list, placeOf(last)) : null;
  return { items, nextCursor };
}

async function replayLetters({ log, replayEverywhere }: BridgeParts, subscriber: string) {
  const replayed = await replayEverywhere(subscriber);
  const { length: left } = await log.deadLetters({ subscriber });
  return { replayed, left, nextCursor: null };
}

/** @throws when so many aggregates refuse an event that no cursor can name them all */
function nextOf(list: string, cursor: string, stuck: readonly string[]): string {
  const next = encodeCursor(list, [JSON.stringify(stuck), cursor]);
  if (next.length <= CURSOR_LENGTH) return next;
  throw fail("CONFLICT", `${String(stuck.length)} aggregates refuse an event of this range: mend that and ask again`);
}

async function replayTime(parts: BridgeParts, range: Range, followed: readonly string[]) {
  const { log, clock, random, react } = parts;
  const { subscriber, from, to, types = followed } = range;
  if (from === undefined || to === undefined || from >= to) {
    throw refuse("/from", "A range needs both from and to, and from before to");
  }
  const list = JSON.stringify([subscriber, from, to, types]);
  const [before, at] = range.cursor === undefined ? ["[]", null] : decodeCursor(list, range.cursor);
  const { replayed, left, cursor, stuck } = await replayRange(
    {
      ...{ log, clock, random },
      react: events => react(subscriber, events),
      until: clock.now() + RANGE_BUDGET_MS,
    },
    {
      group: subscriber,
      types: types.filter(type => followed.includes(type)),
      from: Date.parse(from),
      to: Date.parse(to),
      cursor: at,
    },
    JSON.parse(String(before)) as string[],
  );
  return { replayed, left, nextCursor: cursor === null ? null : nextOf(list, cursor, stuck) };
}

/** @param only of this one; of all when left out */
async function lagOf(parts: BridgeParts, only?: string) {
  const { log, subscribers } = parts;
  const asked = only === undefined ? [...subscribers()] : [[only, typesOf(parts, only)] as const];
  const lags = asked.map(async ([subscriber, types]) =>
    (await log.lag(subscriber, types)).map(({ feed, committed, end }) => ({
      ...{ subscriber, feed, committed, end },
      behind: Math.max(0, end - committed),
    })),
  );
  return { items: (await Promise.all(lags)).flat(), nextCursor: null };
}

export const bridgeHandlers = (parts: BridgeParts): HandlersOf<typeof bridgeActions> => ({
  "v1.bridge.append": async ({ events }) => {
    requireValid(events);
    await parts.log.append(events);
    parts.onAppended(events);
    return {};
  },

  "v1.bridge.deadLetters": params => deadLettersOf(parts, params),

  "v1.bridge.replay": async params => {
    const types = typesOf(parts, params.subscriber);
    const isRange = [params.from, params.to, params.types, params.cursor].some(given => given !== undefined);
    return isRange ? replayTime(parts, params, types) : replayLetters(parts, params.subscriber);
  },

  "v1.bridge.replayShare": async ({ subscriber }) => ({ replayed: await parts.replayHere(subscriber) }),

  "v1.bridge.lag": ({ subscriber }) => lagOf(parts, subscriber),

  "v1.bridge.topics": async () => {
    const topics = await parts.log.topics();
    return { items: topics.map(topic => ({ ...topic })), nextCursor: null };
  },
});
