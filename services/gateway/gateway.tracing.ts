// A request from outside: it goes on with the trace that it brings along (W3C Trace Context), or begins one.
import type { IncomingMessage, ServerResponse } from "node:http";
import { TraceFlags } from "@opentelemetry/api";
import { inScope } from "../../core/tracing/scope.ts";
import type { Span } from "../../core/tracing/span.ts";
import { isFaultCode, SpanKind, startSpan } from "../../core/tracing/tracer.ts";
import { format, freshTraceparent, parse } from "../../core/tracing/traceparent.ts";
import type { RoutedRequest } from "./gateway.exchange.ts";
import { routeOf } from "./gateway.operations.ts";

/** A client's own id is kept when it is one; anything else would end up in the logs. */
function requestIdOf({ headers }: IncomingMessage): string | null {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w-]{8,64}$/.test(given) ? given : null;
}

/** As this version of the standard writes it: a later one may have more flags and more parts. */
function incomingOf({ headers }: IncomingMessage): string | null {
  const given = parse(headers.traceparent);
  return given === undefined
    ? null
    : format(given.traceId, given.spanId, (given.traceFlags & TraceFlags.SAMPLED) !== 0);
}

/** The route, never the path: that holds ids, and a query may hold more. */
function endSpan(span: Span, request: RoutedRequest, { statusCode, writableFinished }: ServerResponse): void {
  const route = routeOf(request.$alias?.action);
  if (route !== undefined) {
    span.rename(`${request.method ?? ""} ${route}`);
    span.set("http.route", route);
  }
  span.set("http.response.status_code", statusCode);
  if (statusCode >= 400) span.set("error.type", request.$problem ?? String(statusCode));
  // The client went away before its answer was out.
  if (!writableFinished) span.set("error.type", "client_closed");
  span.end(request.$problem === undefined ? statusCode >= 500 : isFaultCode(request.$problem));
}

/** Runs the request within its trace. */
export function inRequest(request: RoutedRequest, response: ServerResponse, run: () => void): void {
  const incoming = incomingOf(request);
  const method = request.method ?? "";
  const span = startSpan({
    name: method,
    kind: SpanKind.SERVER,
    attributes: { "http.request.method": method, "url.scheme": "http" },
    parent: incoming,
  });
  if (span !== null) {
    response.once("close", () => {
      endSpan(span, request, response);
    });
  }
  const traceparent = span === null ? (incoming ?? freshTraceparent()) : span.traceparent;
  inScope({ traceparent, requestId: requestIdOf(request), span }, run);
}
