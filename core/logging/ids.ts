// What a line says of the call that it belongs to: its trace, its request, and which order, payment or product it is about.
import type { Scope } from "../tracing/scope.ts";
import { traceIdOf } from "../tracing/traceparent.ts";

const named = ["orderId", "paymentId", "invoiceId", "customerId", "sku"] as const;

/** What `id` is in a service's parameters. */
const ownId: Readonly<Record<string, string>> = {
  order: "orderId",
  customer: "customerId",
  notification: "notificationId",
};
const nameOfId = (action: string): string | undefined => {
  const [, service = "", method = ""] = action.split(".");
  if (service === "billing") return method.startsWith("invoice") ? "invoiceId" : "paymentId";
  return ownId[service];
};

/** By aggregate: what the subject of an event is. */
const subjects: Readonly<Record<string, string>> = {
  order: "orderId",
  payment: "paymentId",
  invoice: "invoiceId",
  stock: "sku",
  product: "sku",
  customer: "customerId",
  account: "accountId",
};
export const nameOfSubject = (aggregate: string): string => subjects[aggregate] ?? "subject";

/** A client may give ids of its own making: what could be an address is none that we name. */
export const isPlain = (value: unknown): value is string =>
  typeof value === "string" && value.length <= 128 && !/@|%40/.test(value);

/** Made only for lines that are written. */
export function idsOf({ traceparent, requestId, action, params }: Scope): Record<string, string> {
  const ids: Record<string, string> = { traceId: traceIdOf(traceparent) };
  if (requestId !== null) ids["requestId"] = requestId;
  if (action === undefined) return ids;
  ids["action"] = action;
  const given = (params ?? {}) as Record<string, unknown>;
  for (const name of named) if (isPlain(given[name])) ids[name] = given[name];
  const own = nameOfId(action);
  if (own !== undefined && isPlain(given["id"])) ids[own] = given["id"];
  return ids;
}
