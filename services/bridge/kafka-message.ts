// Events as Kafka messages: CloudEvents in structured mode, keyed by the aggregate's id. Source: CloudEvents' Kafka binding 1.0.2.
import { Type } from "typebox";
import { CloudEvent } from "../../core/contracts/common.ts";
import { checkOf } from "../../core/middlewares/validator.ts";
import type { Incoming, Outgoing } from "../../core/kafka.ts";

const CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8";

/** `traceparent` is the distributed tracing extension's attribute; it comes with the event when its writer was traced. */
export function messageOf(event: CloudEvent): Outgoing {
  const { traceparent } = event;
  return {
    key: event.subject,
    value: JSON.stringify(event),
    headers: {
      "content-type": CONTENT_TYPE,
      ce_id: event.id,
      ce_type: event.type,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
}

/** As it is kept: a newer release may have added fields. */
const isEvent = checkOf(Type.Object(CloudEvent.properties));

/** Null for what is not one of our events: another program may write to the topic. */
export function eventOf({ value, headers }: Incoming): CloudEvent | null {
  if (value === null || headers["ce_type"] === undefined) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return isEvent(parsed) === true ? (parsed as CloudEvent) : null;
  } catch {
    return null;
  }
}
