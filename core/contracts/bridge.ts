import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, CloudEvent, Id, Page, pageQuery, Timestamp } from "./common.ts";

export const DeadLetter = closed({
  position: Type.Integer(),
  subscriber: Type.String(),
  subject: Id,
  event: CloudEvent,
  error: Type.String(),
  attempts: Type.Integer(),
  at: Timestamp,
});
export type DeadLetter = Static<typeof DeadLetter>;

export const bridgeActions = {
  /** Durable once it answers. Refuses VALIDATION_FAILED for an event that does not fit its schema: the whole batch is then not appended. */
  "v1.bridge.append": action({
    params: closed({ events: Type.Array(CloudEvent, { minItems: 1, maxItems: 1000 }) }),
    result: closed({}),
    auth: "internal",
  }),
  "v1.bridge.deadLetters": action({
    params: closed({ subscriber: Type.Optional(Type.String()), ...pageQuery }),
    result: Page(DeadLetter),
    auth: "ops:read",
    read: true,
  }),
  /** Delivers a subscriber's dead letters again, in order per aggregate; what succeeds is taken out and the aggregate unparked. */
  "v1.bridge.replay": action({
    params: closed({ subscriber: Type.String() }),
    result: closed({ replayed: Type.Integer(), left: Type.Integer() }),
    auth: "internal",
  }),
};
