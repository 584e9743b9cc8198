// From an action's result to the HTTP answer: status, validators, caching, and the headers of keyed commands.
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Keyed } from "../../core/contracts/common.ts";
import { waitAsked } from "./gateway.input.ts";
import type { Operation } from "./gateway.operations.ts";

type Fields = Readonly<Record<string, unknown>>;
type Headers = Record<string, string>;

/** `body` also gives a HEAD request its Content-Length. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Headers,
  body: string,
): void {
  if (response.headersSent) return;
  const length = status === 304 ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...headers, ...length });
  response.end(request.method === "HEAD" || status === 304 ? undefined : body);
}

export const contentTag = (body: string): string => `"${createHash("sha1").update(body).digest("base64url")}"`;

/** RFC 9110 section 13.1.2: a list of tags, compared weakly. */
export function isKnownTo(request: IncomingMessage, tag: string): boolean {
  const header = request.headers["if-none-match"];
  if (header === undefined) return false;
  return header.split(",").some(candidate => {
    const given = candidate.trim();
    return given === "*" || given.replace(/^W\//, "") === tag;
  });
}

function statusOf({ rest }: Operation, resource: Fields): number {
  if (rest.status === "order") return resource["status"] === "PENDING" ? 202 : 201;
  return rest.status ?? 200;
}

function cacheControl({ contract, rest }: Operation): string {
  if (rest.method !== "GET") return "no-store";
  return contract.auth === "public" ? "public, max-age=0, must-revalidate" : "private, no-cache";
}

/** Versions are numbers; a public list has none and is known by its content. */
function tagOf({ contract, rest }: Operation, { version }: Fields, body: string): string | undefined {
  if (Number.isSafeInteger(version)) return `"${String(version)}"`;
  return rest.method === "GET" && contract.auth === "public" ? contentTag(body) : undefined;
}

const locationOf = (template: string, resource: Fields): string =>
  template.replaceAll(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(String(resource[field])));

/** @param params a Location may also name what the path named. */
function headersOf(
  operation: Operation,
  request: IncomingMessage,
  params: Fields,
  result: Fields,
  body: string,
): Headers {
  const { rest } = operation;
  const resource = rest.key === undefined ? result : (result as unknown as Keyed<Fields>).resource;
  const headers: Headers = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": cacheControl(operation),
  };
  const tag = tagOf(operation, resource, body);
  if (tag !== undefined) headers["ETag"] = tag;
  if (rest.location !== undefined) headers["Location"] = locationOf(rest.location, { ...params, ...resource });
  if (result["replayed"] === true && rest.key !== undefined) headers["Idempotency-Replayed"] = "true";
  const wait = waitAsked(operation, request);
  if (wait !== undefined) headers["Preference-Applied"] = `wait=${String(wait)}`;
  return headers;
}

export function respond(
  operation: Operation,
  request: IncomingMessage,
  response: ServerResponse,
  params: Fields,
  result: Fields,
): void {
  const resource = operation.rest.key === undefined ? result : (result["resource"] as Fields);
  const body = JSON.stringify(resource);
  const headers = headersOf(operation, request, params, result, body);
  const unchanged =
    operation.rest.method === "GET" && headers["ETag"] !== undefined && isKnownTo(request, headers["ETag"]);
  send(request, response, unchanged ? 304 : statusOf(operation, resource), headers, body);
}
