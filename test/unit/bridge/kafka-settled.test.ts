import { describe, expect, it } from "@jest/globals";
import { KafkaJSConnectionError, KafkaJSProtocolError } from "kafkajs";
import { settled, untilKnown } from "../../../core/kafka-settled.ts";

const said = (type: string, retriable: boolean): Error =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1, retriable }));

/** Fails so often, then answers. */
function asking(error: Error, failures: number) {
  const counts = { asked: 0, looked: 0 };
  const admin = {
    fetchTopicMetadata: () => {
      counts.looked += 1;
      return Promise.resolve();
    },
  };
  const answer = settled(admin, ["orders"], () => {
    counts.asked += 1;
    return counts.asked > failures ? Promise.resolve("answer") : Promise.reject(error);
  });
  return { answer, counts };
}

describe("What Kafka cannot answer yet", () => {
  it.each([
    ["a topic's leader that is not chosen yet", said("NOT_LEADER_FOR_PARTITION", true)],
    ["a group's coordinator that is loading", said("GROUP_LOAD_IN_PROGRESS", true)],
    ["a leader that the client does not know of", new TypeError("undefined is not an object")],
  ])("is asked again: %s", async (_what, error) => {
    const { answer, counts } = asking(error, 2);
    await expect(answer).resolves.toBe("answer");
    expect(counts).toEqual({ asked: 3, looked: 2 });
  });

  it("is not asked for ever", async () => {
    const error = said("NOT_LEADER_FOR_PARTITION", true);
    const { answer, counts } = asking(error, Infinity);
    await expect(answer).rejects.toBe(error);
    expect(counts.asked).toBe(21);
  });

  it.each([
    ["a topic that is not there", said("UNKNOWN_TOPIC_OR_PARTITION", true)],
    ["a refusal", said("GROUP_AUTHORIZATION_FAILED", false)],
    ["a broker that is away", new KafkaJSConnectionError("Connection timeout")],
  ])("is told at once: %s", async (_what, error) => {
    const { answer, counts } = asking(error, Infinity);
    await expect(answer).rejects.toBe(error);
    expect(counts.asked).toBe(1);
  });
});

describe("A topic that was just made", () => {
  const adminOf = (error: Error, failures: number) => {
    let count = 0;
    const fetchTopicMetadata = () => {
      count += 1;
      return count > failures ? Promise.resolve() : Promise.reject(error);
    };
    return { fetchTopicMetadata, asked: () => count };
  };

  it.each([
    ["is not known to this broker yet", said("UNKNOWN_TOPIC_OR_PARTITION", true)],
    ["has no leader yet", said("LEADER_NOT_AVAILABLE", true)],
  ])("is waited for while it %s", async (_what, error) => {
    const admin = adminOf(error, 2);
    await untilKnown(admin, ["orders"]);
    expect(admin.asked()).toBe(3);
  });

  it("is not waited for when the broker refuses", async () => {
    const error = said("TOPIC_AUTHORIZATION_FAILED", false);
    const admin = adminOf(error, 2);
    await expect(untilKnown(admin, ["orders"])).rejects.toBe(error);
    expect(admin.asked()).toBe(1);
  });
});
