// How a subscriber takes events: one acked action `v1.<service>.react`, delivered in batches by the bridge.
import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, CloudEvent } from "./common.ts";

export const Outcome = closed({
  id: Type.String(),
  /** parked: an earlier event of the same aggregate waits in the dead-letter queue, so this one must wait behind it. */
  outcome: Type.Enum(["done", "failed", "parked"]),
  error: Type.Optional(Type.String()),
  /** Of a failure: something that the event needs is away or busy, so it is tried again without end. */
  transient: Type.Optional(Type.Boolean()),
});
export type Outcome = Static<typeof Outcome>;

/** `replay` delivers what was parked, so it does not stop at the parking mark. */
export const react = action({
  params: closed({
    events: Type.Array(CloudEvent, { minItems: 1, maxItems: 1000 }),
    replay: Type.Optional(Type.Boolean()),
  }),
  result: closed({ outcomes: Type.Array(Outcome) }),
  auth: "internal",
});

/** Parks an aggregate for this subscriber from event number `from` on, or (from: null) takes the mark away. */
export const park = action({
  params: closed({
    /** Not an Id: a SKU may hold spaces and any printable character. */
    subject: Type.String({ minLength: 1, maxLength: 200 }),
    from: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  }),
  result: closed({}),
  auth: "internal",
});
