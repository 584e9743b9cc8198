// Broker options. Moleculer's defaults are changed where they lose calls, money or errors.
import { randomUUID } from "node:crypto";
import { Errors, type BrokerOptions } from "moleculer";
import type { Config } from "./core/config.ts";
import { codeOf } from "./core/errors.ts";
import { loggerOf } from "./core/log.ts";
import { authorisation } from "./core/middlewares/authorisation.ts";
import { ContractValidator } from "./core/middlewares/validator.ts";

/** Above the longest `Prefer: wait` (10 s), below the gateway's patience. */
const REQUEST_TIMEOUT_MS = 15_000;

/** A refusal of ours is an answer: only INTERNAL_ERROR says that something is broken. */
const isRefusal = (error: unknown): boolean => (codeOf(error) ?? "INTERNAL_ERROR") !== "INTERNAL_ERROR";

/** A raw database error may carry a `code` of 11000: only Moleculer's own classes count. */
function breaksCircuit(error: Error): boolean {
  if (error instanceof Errors.RequestTimeoutError) return true;
  return error instanceof Errors.MoleculerError && error.code >= 500 && error.code <= 599 && !isRefusal(error);
}

/** After a timeout the caller's time is over too. */
function isWorthRetrying(error: Error): boolean {
  if (error instanceof Errors.RequestTimeoutError || isRefusal(error)) return false;
  return error instanceof Errors.MoleculerError && error.retryable;
}

/** The first is the innermost. Moleculer's own order puts Timeout around CircuitBreaker, so timeouts never open it. */
const middlewares = [
  "ActionHook",
  "Validator",
  authorisation,
  "Bulkhead",
  "ContextTracker",
  "Timeout",
  "CircuitBreaker",
  "Retry",
  "ErrorHandler",
];

export function brokerOptions(config: Config): BrokerOptions {
  return {
    logger: loggerOf(config),
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Off here and on for reads only (core/service.ts): a retried timeout would do its work again.
    retryPolicy: { enabled: false, retries: 2, delay: 50, maxDelay: 200, factor: 2, check: isWorthRetrying },
    circuitBreaker: {
      enabled: true,
      threshold: 0.5,
      windowTime: 60,
      minRequestCount: 20,
      halfOpenTime: 5_000,
      check: breaksCircuit,
    },
    bulkhead: { enabled: false },
    // Without tracking a stop rejects the calls in flight.
    tracking: { enabled: true, shutdownTimeout: 3_000 },
    registry: { strategy: "RoundRobin", preferLocal: true, stopDelay: 0 },
    contextParamsCloning: false,
    maxCallLevel: 100,
    dependencyInterval: 20,
    dependencyTimeout: 60_000,
    uidGenerator: () => randomUUID(),
    errorRegenerator: new Errors.Regenerator(),
    validator: new ContractValidator(),
    internalMiddlewares: false,
    middlewares,
    // core/main.ts stops the broker itself, in order and within a deadline.
    skipProcessEventRegistration: true,
  };
}
