import { describe, expect, it } from "@jest/globals";
import { KafkaJSConnectionError, KafkaJSProtocolError } from "kafkajs";
import { settled } from "../../../core/kafka-settled.ts";

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
