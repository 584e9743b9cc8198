// A Kafka for tests: the one that KAFKA_BROKERS names, else one of their own; and the event log on it.
import type { KafkaConfig } from "../../core/config-cluster.ts";
import { createKafkaClient } from "../../core/kafka-client.ts";
import { systemClock, systemRandom } from "../../core/system.ts";
import { startKafka } from "../../scripts/support/servers.ts";
import { KafkaLog } from "../../services/bridge/kafka-log.ts";

export interface TestKafka {
  readonly brokers: readonly string[];
  stop(): Promise<void>;
}

export async function kafkaFor(environment: Readonly<Record<string, string | undefined>>): Promise<TestKafka> {
  const named = environment["KAFKA_BROKERS"];
  if (named !== undefined) return { brokers: named.split(","), stop: () => Promise.resolve() };
  const server = await startKafka();
  return {
    brokers: [server.url],
    async stop() {
      await server.stop();
    },
  };
}

export const kafkaConfig = (brokers: readonly string[]): KafkaConfig => ({
  brokers,
  ...{ sasl: null, tls: null, partitions: 3, replication: 1, retentionMs: -1 },
});

export async function openKafkaLog(
  brokers: readonly string[],
  namespace: string,
  say: (message: string, data?: unknown) => void = () => undefined,
): Promise<KafkaLog> {
  const config = kafkaConfig(brokers);
  const log = new KafkaLog({
    client: createKafkaClient(config, `test-${systemRandom.id().slice(0, 8)}`, say),
    namespace,
    topics: config,
    ...{ clock: systemClock, random: systemRandom },
    warn: say,
    onSendFailure: error => {
      say("send failed", error);
    },
  });
  await log.open();
  return log;
}
