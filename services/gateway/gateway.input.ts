// From an HTTP request to an action's parameters and meta: body, query, and the headers that steer a command.
import { createHash } from "node:crypto";
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Meta } from "../../core/context.ts";
import { fail } from "../../core/errors.ts";
import { checkOf, type Check } from "../../core/middlewares/validator.ts";
import type { IdempotencyKey } from "../../core/request.ts";
import type { Operation } from "./gateway.operations.ts";

type Params = Record<string, unknown>;
type Parse = (request: IncomingMessage, path: Params, query: Params) => Promise<{ params: Params; meta: Meta }>;

const BODY_LIMIT = 1024 * 1024;
/** Up to here every mistake is named; listing those of a large body would cost more than handling it. */
const THOROUGH_LIMIT = 16 * 1024;
const LONGEST_WAIT_S = 10;

const tooLarge = () => fail("PAYLOAD_TOO_LARGE", "A body may have 1 MiB: send less at once");
const malformed = () => fail("MALFORMED_JSON", "The body must be JSON in UTF-8 (RFC 8259)");

function rejectMediaType({ headers }: IncomingMessage): void {
  const type = headers["content-type"] ?? "";
  const isJson = /^application\/json *(; *charset="?utf-8"?)? *$/i.test(type);
  const encoding = headers["content-encoding"] ?? "identity";
  if (isJson && encoding === "identity") return;
  throw fail("UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json in UTF-8, without a Content-Encoding");
}

/** What is beyond the limit is left to Node, which discards it after the answer. */
function readBytes(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > BODY_LIMIT) return Promise.reject(tooLarge());
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > BODY_LIMIT) reject(tooLarge());
    else chunks.push(chunk);
  });
  request.once("end", () => {
    resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks));
  });
  request.once("error", () => {
    reject(malformed());
  });
  return promise;
}

/** A request without a body asks with an empty object. */
async function readBody(request: IncomingMessage): Promise<{ body: unknown; size: number }> {
  const { "content-length": length, "transfer-encoding": chunked } = request.headers;
  if (chunked === undefined && Number(length ?? 0) === 0) return { body: {}, size: 0 };
  rejectMediaType(request);
  const bytes = await readBytes(request);
  if (!isUtf8(bytes)) throw malformed();
  try {
    return { body: JSON.parse(bytes.toString()) as unknown, size: bytes.length };
  } catch {
    throw malformed();
  }
}

const isObject = (value: unknown): value is Params =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 8785 in what matters here: the same members in another order are the same request. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map(key => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

function idempotencyOf({ rest }: Operation, request: IncomingMessage, params: Params): IdempotencyKey | null {
  if (rest.key === undefined) return null;
  const key = request.headers["idempotency-key"];
  if (key === undefined && rest.key === "optional") return null;
  if (key === undefined)
    throw fail("IDEMPOTENCY_KEY_REQUIRED", "Send an Idempotency-Key of your own making, the same when you ask again");
  if (typeof key !== "string" || !/^[!-~]{1,255}$/.test(key))
    throw fail("IDEMPOTENCY_KEY_INVALID", "An Idempotency-Key has 1 to 255 visible ASCII characters, no spaces");
  const asked = canonical([rest.method, rest.path, params]);
  return { key, fingerprint: createHash("sha256").update(asked).digest("base64url") };
}

/** Null for "*": whatever version is there. */
function versionAsked({ rest }: Operation, request: IncomingMessage): number | null {
  if (rest.ifMatch === undefined) return null;
  const header = request.headers["if-match"]?.trim();
  if (header === undefined)
    throw fail("PRECONDITION_REQUIRED", "Send If-Match with the ETag of the object that you read");
  if (header === "*") return null;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined)
    throw fail("PRECONDITION_FAILED", "If-Match holds none of our ETags: read the object again");
  return Number(version);
}

/** Seconds of `Prefer: wait=N` (RFC 7240), at most 10; undefined without one, or when it is not a number. */
export function waitAsked({ rest }: Operation, request: IncomingMessage): number | undefined {
  if (rest.status !== "order") return undefined;
  const header = request.headers["prefer"];
  const wait = /(?:^|[,;]) *wait *= *"?(\d{1,6})"? *(?:$|[,;])/i.exec(String(header ?? ""))?.[1];
  return wait === undefined ? undefined : Math.min(LONGEST_WAIT_S, Number(wait));
}

/**
 * Text becomes what the schema says it should be; what does not fit stays text and fails the schema.
 * An empty filter (`?q=&status=`), as a form sends it, is none.
 */
function coerced(query: Params, properties: Readonly<Record<string, { type?: unknown }>>): Params {
  const entries = Object.entries(query).flatMap(([name, value]) => {
    const isKnown = Object.hasOwn(properties, name);
    const type = isKnown ? properties[name]?.type : undefined;
    if (value === "" && isKnown && type !== "integer") return [];
    if (type === "integer" && /^-?\d{1,15}$/.test(String(value))) return [[name, Number(value)]];
    if (type === "boolean" && (value === "true" || value === "false")) return [[name, value === "true"]];
    return [[name, value]];
  });
  return Object.fromEntries(entries) as Params;
}

const unknownFields = (names: readonly string[]) =>
  names.map(name => ({ pointer: `/${name}`, message: "is not a known field" }));

function invalid(errors: readonly { pointer: string; message: string }[]) {
  const [first] = errors;
  const where = first === undefined ? "" : `: ${first.pointer === "" ? "it" : first.pointer} ${first.message}`;
  return fail("VALIDATION_FAILED", `The request does not fit its schema${where}`, { errors });
}

function validate(check: Check, given: Params, path: Params, size: number): Params {
  const taken = Object.keys(given).filter(name => Object.hasOwn(path, name));
  if (taken.length > 0) throw invalid(unknownFields(taken));
  // Spreading defines "__proto__" as a field like any other, which the schema then refuses.
  const params = { ...given, ...path };
  const result = check(params, size <= THOROUGH_LIMIT);
  if (result !== true) throw invalid(result);
  return params;
}

/** Built once per operation, so that a request allocates nothing but its own data. */
export function inputOf(operation: Operation, patienceMs: number, now: () => number): Parse {
  const { contract, rest } = operation;
  const check = checkOf(contract.params);
  const { properties = {} } = contract.params as { properties?: Readonly<Record<string, { type?: unknown }>> };
  return async (request, path, query) => {
    const deadline = now() + patienceMs;
    if (rest.method === "GET")
      return { params: validate(check, coerced(query, properties), path, 0), meta: { deadline } };
    const { body, size } = await readBody(request);
    const ifMatch = versionAsked(operation, request);
    if (!isObject(body)) throw invalid([{ pointer: "", message: "must be object" }]);
    const idempotency = idempotencyOf(operation, request, { ...body, ...path });
    const strayQuery = unknownFields(Object.keys(query));
    if (strayQuery.length > 0) throw invalid(strayQuery);
    const params = validate(check, body, path, size);
    const wait = waitAsked(operation, request);
    return { params, meta: { deadline, idempotency, ifMatch, ...(wait === undefined ? {} : { wait: wait * 1000 }) } };
  };
}
