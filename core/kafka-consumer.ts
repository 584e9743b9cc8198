// A consumer of the Kafka client as a member of its group: what it is given, and that it ends when it is stopped.
import { setTimeout as delay } from "node:timers/promises";
import type { Batch, Consumer, ConsumerConfig } from "kafkajs";
import type { ConsumerEvents, IncomingBatch, KafkaConsumer } from "./kafka.ts";
import { GATHER_MS } from "./kafka-options.ts";
import { messagesOf } from "./kafka-reader.ts";
import "./kafka-runner.ts";

function incoming(batch: Batch): IncomingBatch {
  const { fetchedOffset } = batch as Batch & { fetchedOffset: string };
  return {
    topic: batch.topic,
    partition: batch.partition,
    asked: Number(fetchedOffset),
    last: Number(batch.lastOffset()),
    messages: messagesOf(batch),
  };
}

/** @returns what ends it */
function listen(consumer: Consumer, events: ConsumerEvents): () => void {
  const names = consumer.events;
  const ends = [
    consumer.on(names.GROUP_JOIN, ({ payload }) => {
      events.joined(new Map(Object.entries(payload.memberAssignment)));
    }),
    consumer.on(names.REBALANCING, () => {
      events.revoked();
    }),
    consumer.on(names.CRASH, ({ payload: { error, restart } }) => {
      // With a restart it builds itself anew and joins again; without one it would stand still without a word.
      if (restart) events.revoked();
      else events.crashed(error);
    }),
    consumer.on(names.HEARTBEAT, () => {
      events.alive();
    }),
    consumer.on(names.FETCH, () => {
      events.alive();
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

async function fetchFor(consumer: Consumer, events: ConsumerEvents): Promise<void> {
  let gathering: Promise<unknown> | null = null;
  consumer.on(consumer.events.FETCH, () => {
    gathering = null;
  });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    async eachBatch(payload) {
      const { batch } = payload;
      if (!payload.isRunning() || payload.isStale()) return;
      if (events.batch(incoming(batch))) payload.resolveOffset(batch.lastOffset());
      await payload.heartbeat();
      // The next fetch waits for all batches of this one, and they for the same moment.
      await (gathering ??= delay(GATHER_MS));
    },
  });
}

export function consumerOf(create: (retry: NonNullable<ConsumerConfig["retry"]>) => Consumer): KafkaConsumer {
  let isStopped = false;
  let deafen: () => void = () => undefined;
  // Else one that crashes while it is stopped begins anew (tulios/kafkajs#1147).
  const consumer = create({ restartOnFailure: () => Promise.resolve(!isStopped) });
  /** A function: the compiler would take the variable for what it was before the last await. */
  const hasStopped = (): boolean => isStopped;
  return {
    async start(topics, events) {
      deafen = listen(consumer, events);
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      if (hasStopped()) {
        await consumer.disconnect();
        return;
      }
      await fetchFor(consumer, events);
    },
    seek(topic, partition, offset) {
      consumer.seek({ topic, partition, offset: String(offset) });
    },
    pause(topic, partition) {
      consumer.pause([{ topic, partitions: [partition] }]);
    },
    resume(topic, partition) {
      consumer.resume([{ topic, partitions: [partition] }]);
    },
    commit: (topic, partition, offset) => consumer.commitOffsets([{ topic, partition, offset: String(offset) }]),
    stop() {
      isStopped = true;
      deafen();
      return consumer.disconnect();
    },
  };
}
