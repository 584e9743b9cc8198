import { expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import { eventOf, messageOf } from "../../../services/bridge/kafka-message.ts";

const event: CloudEvent = {
  specversion: "1.0",
  id: "order:7:1",
  source: "/comptoir/order",
  type: "order.placed.v1",
  subject: "7",
  time: "2026-11-01T00:00:00.000Z",
  datacontenttype: "application/json",
  sequence: 1,
  data: {},
};
const incoming = (value: string) => ({ key: "7", value, offset: 0, headers: { ce_type: "order.placed.v1" } });

it("A message is an event when it has all that one has, and more from a newer release", () => {
  expect(eventOf(incoming(JSON.stringify(event)))).toEqual(event);
  expect(eventOf(incoming(JSON.stringify({ ...event, severity: 1 })))).toMatchObject(event);
});

it.each(["{}", "[]", "null", "{", JSON.stringify({ ...event, source: undefined }), '{"source":"/x/order"}'])(
  "A message of another program is none: %s",
  value => {
    expect(eventOf(incoming(value))).toBeNull();
  },
);

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

it("A message names its event's trace in a header and in the event; one of a release that knew none has none", () => {
  const { headers, value } = messageOf({ ...event, traceparent });
  expect(headers).toMatchObject({ traceparent, ce_id: "order:7:1", ce_type: "order.placed.v1" });
  expect(JSON.parse(value ?? "")).toEqual({ ...event, traceparent });
  expect(Object.keys(messageOf(event).headers)).not.toContain("traceparent");
});
