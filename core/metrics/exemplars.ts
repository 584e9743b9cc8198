// Which trace a number belongs to. Tracing tells it here, so that metrics need not know how traces are made.

export type TraceIdSource = () => string | undefined;

let source: TraceIdSource = () => undefined;

/** @param current the id of the trace that runs now and will be kept; undefined when there is none or it is thrown away. */
export function setTraceIdSource(current: TraceIdSource): void {
  source = current;
}

export const currentTraceId = (): string | undefined => source();
