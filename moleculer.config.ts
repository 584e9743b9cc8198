// Broker options. Moleculer's defaults are changed where they lose calls, money or errors.
import { randomUUID } from "node:crypto";
import { Errors, Transporters, type BrokerOptions } from "moleculer";
import type { Config } from "./core/config.ts";
import { PATIENCE_MS, stopTimesOf } from "./core/deadlines.ts";
import { Health } from "./core/health.ts";
import { NodeLogger } from "./core/log.ts";
import { LogLevels, type LevelChange } from "./core/logging/levels.ts";
import { actionMetrics, callsBegun } from "./core/middlewares/action-metrics.ts";
import { authorisation } from "./core/middlewares/authorisation.ts";
import { callTracker } from "./core/middlewares/call-tracker.ts";
import { caller } from "./core/middlewares/caller.ts";
import { circuitBreaker, Circuits } from "./core/middlewares/circuit-breaker.ts";
import { arrivals, departures, latecomers } from "./core/middlewares/deadlines.ts";
import { healthReports } from "./core/middlewares/health-reports.ts";
import { largePackets } from "./core/middlewares/large-packets.ts";
import { tracing } from "./core/middlewares/tracing.ts";
import { transportWatch } from "./core/middlewares/transport.ts";
import { ContractValidator } from "./core/middlewares/validator.ts";
import { natsOptions } from "./core/nats.ts";
import { RELEASE } from "./core/release.ts";
// A node that only calls must know it too: the strategy travels in the registry by its name.
import "./core/strategies/rendezvous.ts";
import { systemClock, systemRandom } from "./core/system.ts";

/** A node that says nothing for three heartbeats and a little is gone. */
const HEARTBEAT_S = 2;
export const SILENCE_MS = 7_000;
/** Requests to other nodes that may be unanswered at once: a bound on memory, far above what one process can keep going. */
const UNANSWERED = 10_000;

/** The first is the innermost. Moleculer's own order puts Timeout around CircuitBreaker, so timeouts never open it. */
const middlewares = (circuits: Circuits, health: Health, isMeasured: boolean) => [
  "ActionHook",
  ...(isMeasured ? [callsBegun()] : []),
  "Validator",
  authorisation,
  latecomers(systemClock),
  "Bulkhead",
  departures(systemClock),
  "ContextTracker",
  "Timeout",
  callTracker,
  circuitBreaker(circuits),
  transportWatch({ health, silenceMs: SILENCE_MS }),
  arrivals(systemClock),
  ...(isMeasured ? [actionMetrics()] : []),
  "ErrorHandler",
  tracing,
  caller({ clock: systemClock, random: systemRandom }),
  healthReports(health),
  largePackets(),
];

/** Every node tells what its circuits are, what it logs, and changes that: the registry service asks all of them. */
const nodeService = (circuits: Circuits, levels: LogLevels) => ({
  $node: {
    name: "$node",
    actions: {
      breakers: () => circuits.views(),
      logLevels: () => levels.view,
      setLogLevel: ({ params }: { params: LevelChange }) => ({ applied: levels.set(params), ...levels.view }),
    },
  },
});

/** How a node joins the others of its namespace. */
export function clusterOptions({ cluster, namespace }: Pick<Config, "cluster" | "namespace">): BrokerOptions {
  if (cluster === null) return {};
  return {
    namespace,
    nodeID: cluster.nodeId,
    transporter: new Transporters.NATS(natsOptions(cluster.nats)),
    serializer: "JSON",
    heartbeatInterval: HEARTBEAT_S,
    heartbeatTimeout: SILENCE_MS / 1000,
    // `disableReconnect` would only give up the first connection, and then wait for ever.
    transit: { maxQueueSize: UNANSWERED },
  };
}

/**
 * @param health where the state of NATS is told.
 * @param ops HOST:PORT of the node's ops port, for the others; null when it has none.
 */
export function brokerOptions(
  config: Config,
  health = new Health(systemClock),
  ops: string | null = null,
): BrokerOptions {
  const circuits = new Circuits(systemClock);
  const levels = new LogLevels(config.logLevel);
  const { announceMs, handlersMs } = stopTimesOf(config);
  return {
    logger: new NodeLogger(levels),
    metadata: { startedAt: new Date().toISOString(), version: RELEASE, ops },
    ...clusterOptions(config),
    // For what has no policy of its own (core/resilience.ts).
    requestTimeout: PATIENCE_MS,
    bulkhead: { enabled: false },
    // Without tracking a stop rejects the calls in flight.
    tracking: { enabled: true, shutdownTimeout: handlersMs },
    registry: {
      strategy: "RoundRobin",
      preferLocal: config.cluster === null,
      stopDelay: announceMs,
      // core/members.ts looks more often, and knows when it is itself that heard nothing.
      discoverer: { type: "Local", options: { disableHeartbeatChecks: true } },
    },
    contextParamsCloning: false,
    maxCallLevel: 100,
    dependencyInterval: 20,
    dependencyTimeout: 60_000,
    uidGenerator: () => randomUUID(),
    errorRegenerator: new Errors.Regenerator(),
    validator: new ContractValidator(),
    internalServices: nodeService(circuits, levels),
    internalMiddlewares: false,
    middlewares: middlewares(circuits, health, config.metrics),
    // core/main.ts stops the broker itself, in order and within a deadline.
    skipProcessEventRegistration: true,
  };
}
