// How Kafka is reached, and how long anything there may take.
import type { KafkaConfig } from "./config-cluster.ts";

export const REQUEST_TIMEOUT_MS = 10_000;
/** After a fetch that brought something: what comes meanwhile is fetched together. */
export const GATHER_MS = 50;
const retry = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 5 };

/** For the client of core/kafka-client.ts. They were chosen by killing and freezing brokers under load. */
export function optionsOf({ brokers, sasl, tls }: KafkaConfig, clientId: string) {
  return {
    clientId,
    brokers: [...brokers],
    // A copy: the client keeps the login's mechanism in it.
    ...(sasl === null ? {} : { sasl: { ...sasl } }),
    ...(tls === null
      ? {}
      : {
          ssl: {
            ...(tls.ca === null ? {} : { ca: [tls.ca] }),
            ...(tls.cert === null ? {} : { cert: tls.cert }),
            ...(tls.key === null ? {} : { key: tls.key }),
          },
        }),
    connectionTimeout: 3_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry,
  };
}
