// Events as Kafka messages: CloudEvents in structured mode, keyed by the aggregate's id. Source: CloudEvents' Kafka binding 1.0.2.
import type { CloudEvent } from "../../core/contracts/common.ts";
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

/** Null for what is not one of our events: another program may write to the topic. */
export function eventOf({ value, headers }: Incoming): CloudEvent | null {
  if (value === null || headers["ce_type"] === undefined) return null;
  try {
    return JSON.parse(value) as CloudEvent;
  } catch {
    return null;
  }
}
