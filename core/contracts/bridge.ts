// The event log: taking events, the dead letters, delivering again, and how far each subscriber is.
import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, CloudEvent, nullable, Page, pageQuery, Timestamp } from "./common.ts";

export const DeadLetter = closed({
  position: Type.Integer(),
  subscriber: Type.String(),
  subject: Type.String({ minLength: 1, description: "The aggregate: kind:id, the id of a stock item may be any SKU" }),
  event: CloudEvent,
  error: Type.String(),
  attempts: Type.Integer(),
  at: Timestamp,
});
export type DeadLetter = Static<typeof DeadLetter>;

const Subscriber = Type.String({ minLength: 1, maxLength: 100, description: "The name of a service" });

const Lag = closed({
  subscriber: Type.String(),
  feed: Type.String({ description: "A share of the log: all of it, or one partition" }),
  committed: Type.Integer(),
  end: Type.Integer(),
  behind: Type.Integer(),
});

/** Of a replay that goes on: the places where it is, and what it must not pass. */
export const CURSOR_LENGTH = 20_000;

const Topic = closed({ name: Type.String(), partitions: Type.Integer(), events: Type.Integer() });

export const bridgeActions = {
  /** Durable once it answers. Refuses VALIDATION_FAILED for an event that does not fit its schema: the whole batch is then not appended. */
  "v1.bridge.append": action({
    params: closed({ events: Type.Array(CloudEvent, { minItems: 1, maxItems: 1000 }) }),
    result: closed({}),
    auth: "internal",
  }),
  "v1.bridge.deadLetters": action({
    params: closed({ subscriber: Type.Optional(Subscriber), ...pageQuery }),
    result: Page(DeadLetter),
    auth: "ops:read",
    read: true,
    rest: { method: "GET", path: "/v1/events/dead-letters", summary: "Events that a subscriber could not take" },
  }),
  /**
   * Without a range: the subscriber's dead letters, in order per aggregate; what succeeds is taken out and the aggregate
   * unparked. With one: every event of that time that the subscriber has behind it. Both change nothing that was done.
   */
  "v1.bridge.replay": action({
    params: closed({
      subscriber: Subscriber,
      from: Type.Optional(Timestamp),
      to: Type.Optional(Timestamp),
      types: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { minItems: 1, maxItems: 100 })),
      cursor: Type.Optional(Type.String({ minLength: 1, maxLength: CURSOR_LENGTH })),
    }),
    result: closed({
      replayed: Type.Integer(),
      /** Still refused, or waiting behind such a one. */
      left: Type.Integer(),
      /** Of a range that is longer than one request may take: the same request with it goes on. */
      nextCursor: nullable(Type.String()),
    }),
    auth: "ops:write",
    rest: {
      method: "POST",
      path: "/v1/events/replays",
      summary: "Deliver a subscriber's dead letters, or what it took between two times, again",
    },
  }),
  /** The share of a replay that is this process's to do: the dead letters of the feeds that it delivers. */
  "v1.bridge.replayShare": action({
    params: closed({ subscriber: Subscriber }),
    result: closed({ replayed: Type.Integer() }),
    auth: "internal",
  }),
  "v1.bridge.lag": action({
    params: closed({ subscriber: Type.Optional(Subscriber) }),
    result: Page(Lag),
    auth: "ops:read",
    read: true,
    rest: { method: "GET", path: "/v1/events/lag", summary: "How many events each subscriber has before it" },
  }),
  "v1.bridge.topics": action({
    params: closed({}),
    result: Page(Topic),
    auth: "ops:read",
    read: true,
    rest: { method: "GET", path: "/v1/events/topics", summary: "What the event log consists of" },
  }),
};
