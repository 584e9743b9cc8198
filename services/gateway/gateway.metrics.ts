// What the gateway counts of every request: where it went, how it was answered, and how long it took.
import type { IncomingMessage, ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import { catalogue, type ErrorCode } from "../../core/kernel/errors.ts";
import { counter, histogram } from "../../core/metrics/registry.ts";
import type { Counter, Histogram } from "../../core/metrics/series.ts";
import { documentPaths, operations, routeAt } from "./gateway.operations.ts";

/** What a request has on it when it has been answered. */
export interface Measured extends IncomingMessage {
  originalUrl?: string;
  $alias?: { action: string | null; fullPath?: string };
  /** Code of the problem that it was answered with. */
  $problem?: ErrorCode;
  /** Of a trace that is kept. */
  $traceId?: string | undefined;
}

interface Endpoint {
  readonly service: string;
  readonly endpoint: string;
  readonly requests: Counter;
  readonly latency: Histogram;
}

/** As nginx says it: the client was gone before there was an answer. */
const CLIENT_GONE = 499;
const SERVER_ERROR = 500;
const nothingThere = new Set([404, 405]);
/** The codes that are failures of ours. */
const failures = Object.entries(catalogue).filter(([, { status }]) => status >= SERVER_ERROR);
const UNMATCHED = { service: "gateway", endpoint: "unmatched" };

const limited = counter("comptoir_requests_limited_total");
export const limitedBy = { rate: limited.labels({ limit: "rate" }), login: limited.labels({ limit: "login" }) };

/** By action, and by the path of what the gateway answers itself. */
const named = new Map<string, typeof UNMATCHED>([
  ...operations.map(({ action, rest }): [string, typeof UNMATCHED] => [
    action,
    { service: action.split(".")[1] ?? "gateway", endpoint: `${rest.method} ${rest.path}` },
  ]),
  ...Object.values(documentPaths).map((path): [string, typeof UNMATCHED] => [
    path,
    { service: "gateway", endpoint: `GET ${path}` },
  ]),
]);

/** As it was asked for: moleculer-web makes /v1/orders of //v1/orders while it looks for a route. */
export const pathOf = ({ originalUrl, url = "/" }: Measured): string => (originalUrl ?? url).split("?", 1)[0] ?? "/";

/** A request that never came to its route (it was shed, or its client left) belongs to it all the same. */
function routeOf(request: Measured, status: number): string {
  const { $alias, method = "GET" } = request;
  if ($alias !== undefined) return $alias.action ?? $alias.fullPath ?? "";
  return nothingThere.has(status) ? "" : (routeAt(method, pathOf(request)) ?? "");
}

/** Called once a request is over, however it ended; `begin` is performance.now() of its arrival. */
export type Measure = (request: Measured, response: ServerResponse, begin: number) => void;

export function requestMetrics(): Measure {
  const requests = counter("app_requests_total");
  const latency = histogram("app_request_latency_seconds");
  const failed = counter("comptoir_requests_failed_total");
  const answers = counter("http_requests_by_status_code_total");
  const endpoints = new Map<string, Endpoint>();
  const statuses = new Map<number, Counter>();

  function endpointOf(route: string): Endpoint {
    const labels = named.get(route) ?? UNMATCHED;
    const endpoint = { ...labels, requests: requests.labels(labels), latency: latency.labels(labels) };
    // Only of routes that there are: what clients ask for has no end.
    if (route === "" || named.has(route)) endpoints.set(route, endpoint);
    return endpoint;
  }
  function answersWith(status: number): Counter {
    const made = answers.labels({ status_code: String(status) });
    statuses.set(status, made);
    return made;
  }

  // What alerts ask about begins at 0: Prometheus would not see the rise of a series that begins with many failures.
  for (const [, { status }] of failures) answersWith(status);
  const { service, endpoint: placing } = endpointOf("v1.order.place");
  for (const [code] of failures) failed.labels({ service, endpoint: placing, code });

  return (request, response, begin) => {
    const status = response.headersSent ? response.statusCode : CLIENT_GONE;
    const route = routeOf(request, status);
    const endpoint = endpoints.get(route) ?? endpointOf(route);
    endpoint.requests.inc();
    endpoint.latency.observe((performance.now() - begin) / 1_000, request.$traceId);
    (statuses.get(status) ?? answersWith(status)).inc();
    if (status < SERVER_ERROR) return;
    const { service, endpoint: name } = endpoint;
    failed.labels({ service, endpoint: name, code: request.$problem ?? "INTERNAL_ERROR" }).inc();
  };
}
