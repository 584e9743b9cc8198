import { beforeEach, describe, expect, it } from "@jest/globals";
import type { DeadLetter } from "../../../core/contracts/bridge.ts";
import type { Incoming } from "../../../core/kafka.ts";
import { ForeignMessages } from "../../../services/bridge/foreign-messages.ts";
import { letterMessage, LetterView, tombstone } from "../../../services/bridge/kafka-letters.ts";
import { event } from "../../contract/event-log.contract.ts";

const letterOf = (sequence: number): DeadLetter => ({
  ...{ position: sequence, subscriber: "billing", subject: "order:a", event: event("a", sequence) },
  ...{ error: "cannot take this", attempts: 5, at: "2026-01-01T00:00:00.000Z" },
});
const foreign = (value: string) => ({ key: "x", value, headers: {} });

describe("The dead letters of a topic", () => {
  let passedOver: number[];
  let view: LetterView;
  const take = (...messages: Omit<Incoming, "offset">[]): void => {
    view.take(
      messages.map((message, offset) => ({ ...message, offset })),
      offset => passedOver.push(offset),
    );
  };
  beforeEach(() => {
    passedOver = [];
    view = new LetterView();
  });

  it.each(["BANK CHARGES", "Größe M"])("may be about any SKU: %s", sku => {
    const letter = { ...letterOf(1), subject: `stock:${sku}` };
    take(letterMessage(letter, "t/0/0"));
    expect([view.all(), passedOver]).toEqual([[letter], []]);
  });

  it("are those that were not taken out", () => {
    take(letterMessage(letterOf(1), "t/0/0"), letterMessage(letterOf(2), "t/0/1"), tombstone(letterOf(1)));
    expect(view.all()).toEqual([{ ...letterOf(2), position: 2 }]);
  });

  it.each([
    ["no JSON", "hello"],
    ["no object", "null"],
    ["an object that is no letter", '{"event":{"id":"1"}}'],
    [
      "a letter without its event's number",
      JSON.stringify({ ...letterOf(1), event: { id: "1", type: "order.placed.v1" } }),
    ],
  ])("are read all the same beside %s", (_what, value) => {
    take(letterMessage(letterOf(1), "t/0/0"), foreign(value), letterMessage(letterOf(2), "t/0/1"));
    expect(view.all().map(({ position }) => position)).toEqual([1, 3]);
    expect(passedOver).toEqual([1]);
  });

  it("may have fields that this release does not know", () => {
    take({ ...letterMessage(letterOf(1), "t/0/0"), value: JSON.stringify({ ...letterOf(1), cause: "new" }) });
    expect(view.all()).toHaveLength(1);
  });
});

it("A message that is no dead letter is said once, with its place, however often the topic is read", () => {
  const said: string[] = [];
  const messages = new ForeignMessages(message => said.push(message), "dead letter");
  for (let reading = 0; reading < 3; reading += 1) {
    messages.found("shop.billing.dlq.v1", 0, 4);
    messages.found("shop.billing.dlq.v1", 0, 7);
  }
  expect(said).toEqual([
    "The message shop.billing.dlq.v1/0/4 is no dead letter and is passed over",
    "The message shop.billing.dlq.v1/0/7 is no dead letter and is passed over",
  ]);
});
