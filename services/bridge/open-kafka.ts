// The event log in Kafka.
import type { ClusterConfig } from "../../core/config-cluster.ts";
import type { Environment } from "../../core/environment.ts";
import { createKafkaClient } from "../../core/kafka-client.ts";
import { backoff } from "../../core/kernel/random.ts";
import { StartupError } from "../../core/startup-error.ts";
import { buffered, sendFailures } from "./bridge.metrics.ts";
import { KafkaLog } from "./kafka-log.ts";
import type { Logger, OpenedLog } from "./open-log.ts";

const RETRY = { base: 250, cap: 2_000 };

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function untilOpen(log: KafkaLog, { clock, random }: Environment, cluster: ClusterConfig, logger: Logger) {
  const end = clock.now() + cluster.startupTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await log.open();
      return;
    } catch (error) {
      if (clock.now() >= end)
        throw new StartupError(
          `The event log at ${cluster.kafka.brokers.join(",")} cannot be used: ${reasonOf(error)}`,
        );
      logger.warn(`The event log cannot be used yet: ${reasonOf(error)}`);
      await clock.sleep(backoff(attempt, random, RETRY));
    }
  }
}

export function openKafka(environment: Environment, cluster: ClusterConfig): OpenedLog {
  const { config, clock, random } = environment;
  const loggers: Logger[] = [];
  const say = (message: string, data?: unknown): void => loggers[0]?.debug(message, data);
  const log = new KafkaLog({
    client: createKafkaClient(cluster.kafka, `comptoir-bridge-${cluster.nodeId}`, say),
    namespace: config.namespace,
    topics: cluster.kafka,
    ...{ clock, random },
    warn: (message, data) => loggers[0]?.warn(message, data),
    onSendFailure: error => {
      sendFailures.inc();
      say("A send to Kafka failed and is repeated", error);
    },
  });
  let isOpen = false;
  return {
    log,
    isReady: () => isOpen,
    async start(logger) {
      loggers.push(logger);
      await untilOpen(log, environment, cluster, logger);
      isOpen = true;
      buffered.onScrape(() => {
        const { out, in: fetched } = log.buffered();
        buffered.labels({ direction: "out" }).set(out);
        buffered.labels({ direction: "in" }).set(fetched);
      });
    },
  };
}
