// The settings of tracing, by OpenTelemetry's standard names.
import { integer, matching, oneOf, type Parse } from "./config-values.ts";
import type { Source } from "./config-source.ts";

export interface TracingConfig {
  readonly exporter: (typeof exporters)[number];
  /** Where spans are posted to. */
  readonly url: string;
  /** Share of the traces that begin here and are kept whatever becomes of them, 0 to 1. */
  readonly ratio: number;
  /** What took longer than this, in milliseconds, is kept whatever the ratio says. */
  readonly slowMs: number;
  /** Null: the service's name when the node has only one, "comptoir" else. */
  readonly serviceName: string | null;
}

const httpUrl: Parse<string> = text => {
  const url = URL.parse(text);
  const isHttp = url !== null && ["http:", "https:"].includes(url.protocol) && url.hash === "";
  return isHttp ? { value: text } : { problem: "must be http://HOST:PORT or https://…" };
};

/** What is put behind a query would belong to it. */
const baseUrl: Parse<string> = text =>
  text.includes("?") ? { problem: "must be a base without a query: /v1/traces is put behind it" } : httpUrl(text);

const share: Parse<number> = text => {
  const value = Number(text);
  if (/^\d(\.\d{1,9})?$/.test(text) && value <= 1) return { value };
  return { problem: "must be the share of traces to keep, from 0 to 1, like 0.1" };
};

const exporters = ["none", "otlp", "zipkin"] as const;
const OTLP_PATH = "v1/traces";

/** OTEL_EXPORTER_OTLP_ENDPOINT is a base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT the address itself, as OpenTelemetry has it. */
function otlpUrl(source: Source): string {
  // A setting that asks for gRPC must not be ignored.
  source.read("OTEL_EXPORTER_OTLP_PROTOCOL", oneOf(["http/json"]), "http/json");
  const base = source.read("OTEL_EXPORTER_OTLP_ENDPOINT", baseUrl, "http://localhost:4318");
  return source.read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", httpUrl, `${base.replace(/\/$/, "")}/${OTLP_PATH}`);
}

const zipkinUrl = (source: Source): string =>
  source.read("OTEL_EXPORTER_ZIPKIN_ENDPOINT", httpUrl, "http://localhost:9411/api/v2/spans");

/** Where to is only looked at for the exporter that is used: other programs on the machine have the same variables. */
const urls: Readonly<Record<TracingConfig["exporter"], (source: Source) => string>> = {
  none: () => "",
  otlp: otlpUrl,
  zipkin: zipkinUrl,
};

export function tracingOf(source: Source): TracingConfig {
  const exporter = source.read("OTEL_TRACES_EXPORTER", oneOf(exporters), "none");
  const name = matching(/^[^\p{C}]{1,100}$/u, "1 to 100 printable characters");
  return {
    exporter,
    url: urls[exporter](source),
    ratio: source.read("OTEL_TRACES_SAMPLER_ARG", share, 0.1),
    slowMs: source.read("COMPTOIR_TRACES_SLOW", integer(1, 3_600_000), 1_000),
    serviceName: source.read("OTEL_SERVICE_NAME", name, null),
  };
}
