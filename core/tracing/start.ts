// Turns recording on, when the settings name an exporter. Only then is OpenTelemetry's SDK loaded.
import { ROOT_CONTEXT } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Config } from "../config.ts";
import type { TracingConfig } from "../config-tracing.ts";
import type { Outlet as Way } from "./outlet.ts";
import { KeptSpans } from "./kept-spans.ts";
import { record } from "./tracer.ts";

export interface Tracing {
  /** Sends what waits, but not for longer than this. */
  stop(withinMs: number): Promise<void>;
}

interface Logger {
  info(message: string, data?: unknown): void;
  warn(message: string, data?: unknown): void;
}

const off: Tracing = { stop: () => Promise.resolve() };

async function exporterOf({ exporter, url }: TracingConfig, timeoutMillis: number): Promise<SpanExporter> {
  if (exporter === "zipkin") {
    const { ZipkinExporter } = await import("@opentelemetry/exporter-zipkin");
    return new ZipkinExporter({ url });
  }
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  return new OTLPTraceExporter({ url, timeoutMillis });
}

/** What a node is to whoever looks at its traces. */
function resourceOf({ tracing, services, namespace, cluster }: Config): Record<string, string> {
  const [only, ...others] = services;
  return {
    "service.name": tracing.serviceName ?? (only !== undefined && others.length === 0 ? only : "comptoir"),
    "service.namespace": namespace,
    "service.instance.id": cluster?.nodeId ?? String(process.pid),
  };
}

function tell(logger: Logger, url: string): (problem: string | null) => void {
  const { origin } = new URL(url);
  return problem => {
    if (problem === null) logger.info("Traces are taken again", { receiver: origin });
    else logger.warn("Traces cannot be sent: they are given up meanwhile", { receiver: origin, problem });
  };
}

const runningOn = (outlet: Way): Tracing => ({
  async stop(withinMs) {
    record(null);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, withinMs, undefined);
    await Promise.race([outlet.close().catch(() => undefined), promise]);
    clearTimeout(timer);
  },
});

/** @param exporter in place of the one that the settings name. */
export async function startTracing(config: Config, logger: Logger, exporter?: SpanExporter): Promise<Tracing> {
  const { tracing } = config;
  if (tracing.exporter === "none") return off;
  const [{ TraceIdRatioBasedSampler, SamplingDecision }, { resourceFromAttributes }, { spanMaker }, outlets] =
    await Promise.all([
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/resources"),
      import("./sdk-spans.ts"),
      import("./outlet.ts"),
    ]);
  const outlet = new outlets.Outlet({
    exporter: exporter ?? (await exporterOf(tracing, outlets.limits.timeoutMs)),
    onChange: tell(logger, tracing.url),
  });
  const make = spanMaker(resourceFromAttributes(resourceOf(config)), span => {
    outlet.offer(span);
  });
  const keeper = new KeptSpans({
    slowMs: tracing.slowMs,
    offer: span => {
      if (outlet.hasRoom()) make(span);
    },
    onDropped: count => {
      outlet.givenUp(count);
    },
  });
  const sampler = new TraceIdRatioBasedSampler(tracing.ratio);
  record({
    samples: traceId => sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
    // What nobody sampled is noted too: it may turn out to be slow or to fail.
    ended: span => {
      keeper.ended(span);
    },
  });
  return runningOn(outlet);
}
