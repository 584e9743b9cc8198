// The OpenAPI 3.1 document, from the contracts: their schemas are JSON Schema already and stand in it as they are.
import type { TSchema } from "typebox";
import { Account, Token } from "../../core/contracts/account.ts";
import { Invoice, InvoiceLine, Payment, Refund } from "../../core/contracts/billing.ts";
import { Amounts, Money, Price } from "../../core/contracts/common.ts";
import { Customer } from "../../core/contracts/customer.ts";
import { Movement, StockItem } from "../../core/contracts/inventory.ts";
import { Notification } from "../../core/contracts/notification.ts";
import { Order, OrderLine, Return, Shipment, TimelineEntry } from "../../core/contracts/order.ts";
import { Product } from "../../core/contracts/product.ts";
import { catalogue, type ErrorCode } from "../../core/kernel/errors.ts";
import { operations, type Operation } from "./gateway.operations.ts";

type Json = Record<string, unknown>;
interface ObjectSchema {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
}

const resources: Readonly<Record<string, TSchema>> = {
  Account,
  Amounts,
  Customer,
  Invoice,
  InvoiceLine,
  Money,
  Movement,
  Notification,
  Order,
  OrderLine,
  Payment,
  Price,
  Product,
  Refund,
  Return,
  Shipment,
  StockItem,
  TimelineEntry,
  Token,
};
const names = new Map<unknown, string>(Object.entries(resources).map(([name, schema]) => [schema, name]));

const mapped = (value: object): Json =>
  Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));

/** A schema with references in place of the resources inside it. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  const name = names.get(value);
  return name === undefined ? mapped(value) : { $ref: `#/components/schemas/${name}` };
}

const problem: Json = {
  type: "object",
  description: "RFC 9457",
  required: ["type", "title", "status", "detail", "code", "traceId"],
  properties: {
    type: { type: "string", format: "uri" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", enum: Object.keys(catalogue) },
    traceId: { type: "string", pattern: "^[0-9a-f]{32}$" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["pointer", "message"],
        properties: {
          pointer: { type: "string", description: "JSON pointer (RFC 6901)" },
          message: { type: "string" },
        },
      },
    },
  },
};

const text = (description: string, schema: Json = { type: "string" }): Json => ({ description, schema });
const responseHeaders: Json = {
  ETag: text("The object's version, for If-None-Match and If-Match"),
  Location: text("Where the object is"),
  "Idempotency-Replayed": text("The key came before: nothing was done again", { type: "string", const: "true" }),
  "Preference-Applied": text("The wait that was granted"),
  "Retry-After": text("Seconds", { type: "integer" }),
  "RateLimit-Limit": text("Requests a minute", { type: "integer" }),
  "RateLimit-Remaining": text("Requests left in this minute", { type: "integer" }),
  "RateLimit-Reset": text("Seconds until all of them are back", { type: "integer" }),
  "WWW-Authenticate": text("The scheme: Bearer"),
};
const headers = (...used: string[]): Json => ({
  headers: Object.fromEntries(used.map(name => [name, { $ref: `#/components/headers/${name}` }])),
});

const requestHeaders: Json = {
  "Idempotency-Key": {
    ...text("1 to 255 visible ASCII characters of your own making; the same key and body do it once", {
      type: "string",
      minLength: 1,
      maxLength: 255,
      pattern: "^[!-~]+$",
    }),
  },
  "If-Match": { ...text("The ETag of the object that was read") },
  "If-None-Match": { ...text("ETags that the client holds") },
  Prefer: { ...text("wait=N: seconds to wait for the final state, 0 to 10, default 2") },
};
const rateLimit = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
const header = (name: string, required: boolean): Json => ({
  name,
  in: "header",
  required,
  ...(requestHeaders[name] as Json),
});

/** What the answer shows; a keyed command's stands inside what the action gives. */
function resourceOf({ contract, rest }: Operation): TSchema | undefined {
  return rest.key === undefined ? contract.result : (contract.result as ObjectSchema).properties?.["resource"];
}

/** As gateway.output.ts gives them: by version, or by content to a public list. */
function hasTag(operation: Operation): boolean {
  const { properties = {} } = (resourceOf(operation) ?? {}) as ObjectSchema;
  return "version" in properties || (operation.rest.method === "GET" && operation.contract.auth === "public");
}
const isConditional = (operation: Operation): boolean => operation.rest.method === "GET" && hasTag(operation);

function parametersOf(operation: Operation): Json[] {
  const { contract, rest, inPath } = operation;
  const { properties = {}, required = [] } = contract.params as ObjectSchema;
  const fields = Object.entries(properties).map(([name, schema]) => {
    if (inPath.includes(name)) return { name, in: "path", required: true, schema: shown(schema) };
    return { name, in: "query", required: required.includes(name), schema: shown(schema) };
  });
  return [
    ...fields.filter(field => field.in === "path" || rest.method === "GET"),
    ...(rest.key === undefined ? [] : [header("Idempotency-Key", rest.key === "required")]),
    ...(rest.ifMatch === undefined ? [] : [header("If-Match", true)]),
    ...(isConditional(operation) ? [header("If-None-Match", false)] : []),
    ...(rest.status === "order" ? [header("Prefer", false)] : []),
  ];
}

function bodyOf({ contract, rest, inPath }: Operation): Json {
  if (rest.method === "GET") return {};
  const { properties = {}, required = [] } = contract.params as ObjectSchema;
  const inBody = Object.entries(properties).filter(([name]) => !inPath.includes(name));
  const needed = required.filter(name => !inPath.includes(name));
  const schema = {
    type: "object",
    ...(needed.length === 0 ? {} : { required: needed }),
    properties: mapped(Object.fromEntries(inBody)),
    additionalProperties: false,
  };
  return { requestBody: { required: needed.length > 0, content: { "application/json": { schema } } } };
}

function successes(operation: Operation): Json {
  const { rest } = operation;
  const answer = (description: string): Json => ({
    description,
    ...headers(
      ...(hasTag(operation) ? ["ETag"] : []),
      ...(rest.location === undefined ? [] : ["Location"]),
      ...(rest.key === undefined ? [] : ["Idempotency-Replayed"]),
      ...(rest.status === "order" ? ["Preference-Applied"] : []),
      ...rateLimit,
    ),
    content: { "application/json": { schema: shown(resourceOf(operation)) } },
  });
  if (rest.status === "order")
    return { 201: answer("The order in its final state"), 202: answer("The order, still PENDING") };
  return {
    [rest.status ?? 200]: answer(rest.summary),
    ...(isConditional(operation) ? { 304: { description: "Not changed", ...headers("ETag", ...rateLimit) } } : {}),
  };
}

function problems({ contract, rest, inPath }: Operation): Json {
  const writes = rest.method !== "GET";
  const statuses = [
    ...(writes ? [400, 409, 413, 415] : []),
    ...(contract.auth === "public" ? [] : [401, 403]),
    ...(contract.auth === "public" && writes ? [401] : []),
    ...(inPath.length === 0 && rest.status !== "order" ? [] : [404]),
    ...(rest.ifMatch === undefined ? [] : [412, 428]),
    ...[422, 429, 500, 503],
  ];
  return Object.fromEntries(
    statuses.map(status => [status, { $ref: `#/components/responses/Problem${String(status)}` }]),
  );
}

function problemResponse(status: number): Json {
  const entries = Object.entries(catalogue) as [ErrorCode, (typeof catalogue)[ErrorCode]][];
  const lines = entries.filter(([, entry]) => entry.status === status).map(([code, { title }]) => `${code}: ${title}`);
  const retry = entries.some(([, entry]) => entry.status === status && "retryable" in entry);
  return {
    description: lines.join("\n\n"),
    ...headers(
      ...(retry ? ["Retry-After"] : []),
      ...(status === 401 ? ["WWW-Authenticate"] : []),
      ...(status === 429 ? rateLimit : []),
    ),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

/** "v1.order.place" → "orderPlace". */
function operationIdOf({ action }: Operation): string {
  const [, service = "", name = ""] = action.split(".");
  return `${service}${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

const described = (operation: Operation): Json => ({
  operationId: operationIdOf(operation),
  tags: [operation.action.split(".")[1]],
  summary: operation.rest.summary,
  security: operation.contract.auth === "public" ? [] : [{ bearer: [operation.contract.auth] }],
  parameters: parametersOf(operation),
  ...bodyOf(operation),
  responses: { ...successes(operation), ...problems(operation) },
});

export function openApiDocument(): Json {
  const byPath = Map.groupBy(operations, ({ rest }) => rest.path);
  const paths = [...byPath].map(([path, group]) => [
    path,
    Object.fromEntries(group.map(operation => [operation.rest.method.toLowerCase(), described(operation)])),
  ]);
  const statuses = [...new Set(Object.values(catalogue).map(({ status }) => status))];
  return {
    openapi: "3.1.0",
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    info: { title: "Comptoir", version: "1", description: "Orders, stock, payments and invoices of a shop." },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(paths) as Json,
    components: {
      schemas: {
        ...Object.fromEntries(Object.entries(resources).map(([name, schema]) => [name, mapped(schema)])),
        Problem: problem,
      },
      headers: responseHeaders,
      responses: Object.fromEntries(statuses.map(status => [`Problem${String(status)}`, problemResponse(status)])),
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}
