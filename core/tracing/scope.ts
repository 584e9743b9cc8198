// What runs belongs to a trace, a request and a call: kept for the whole asynchronous flow, for spans and log lines alike.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Span } from "./span.ts";
import { freshTraceparent, sampledIdOf, traceIdOf } from "./traceparent.ts";

export interface Scope {
  /** Names the trace, and the span that what is called from here is a child of. */
  readonly traceparent: string;
  /** The client's X-Request-Id; null when it gave none: then the trace's id stands for it. */
  readonly requestId: string | null;
  /** Null while nobody records. */
  readonly span: Span | null;
  /** What was called, and its parameters: read only when a line is logged. */
  readonly action?: string;
  readonly params?: unknown;
}

const storage = new AsyncLocalStorage<Scope | undefined>();

export const currentScope = (): Scope | undefined => storage.getStore();

export const inScope = <T>(scope: Scope | undefined, run: () => T): T => storage.run(scope, run);

/** Of what runs here; of a trace of its own where nothing is known to run. */
export const traceIdHere = (): string => traceIdOf(storage.getStore()?.traceparent ?? freshTraceparent());

/** For exemplars: of what runs here, if it is sampled. */
export const currentTraceId = (): string | undefined => sampledIdOf(storage.getStore()?.traceparent);
