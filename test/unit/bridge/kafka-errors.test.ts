import { describe, expect, it } from "@jest/globals";
import { KafkaJSConnectionError, KafkaJSProtocolError } from "kafkajs";
import { isOverSoon } from "../../../core/kafka-errors.ts";

const said = (type: string, retriable: boolean): Error =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1, retriable }));

describe("What Kafka cannot answer yet", () => {
  it.each([
    ["a topic's leader that is not chosen yet", said("NOT_LEADER_FOR_PARTITION", true)],
    ["a group's coordinator that is loading", said("GROUP_LOAD_IN_PROGRESS", true)],
    ["a leader that the client does not know of", new TypeError("undefined is not an object")],
  ])("is asked again: %s", (_what, error) => {
    expect(isOverSoon(error)).toBe(true);
  });

  it.each([
    ["a topic that is not there", said("UNKNOWN_TOPIC_OR_PARTITION", true)],
    ["a refusal", said("GROUP_AUTHORIZATION_FAILED", false)],
    ["a broker that is away", new KafkaJSConnectionError("Connection timeout")],
  ])("is not: %s", (_what, error) => {
    expect(isOverSoon(error)).toBe(false);
  });
});
