// What an order asks of other services.
import type { OrderLine } from "../../core/contracts/order.ts";
import { codeOf } from "../../core/errors.ts";
import type { Call } from "../../core/request.ts";

/** Units per SKU in SKU order: an order reserves once per SKU, however many lines it stands on. */
export function unitsBySku(lines: readonly OrderLine[]): [sku: string, quantity: number][] {
  const units = new Map<string, number>();
  for (const { sku, quantity } of lines) units.set(sku, (units.get(sku) ?? 0) + quantity);
  return [...units].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * One call per SKU, in SKU order, together: each is a compare-and-set of its own. When some fail, a definite refusal
 * goes before an unknown, and the first in SKU order before the others, so that the same failures read the same.
 */
async function perSku<T>(
  lines: readonly OrderLine[],
  ask: (sku: string, quantity: number) => Promise<T>,
): Promise<T[]> {
  const results = await Promise.allSettled(unitsBySku(lines).map(([sku, quantity]) => ask(sku, quantity)));
  const failures = results.filter(result => result.status === "rejected").map(result => result.reason as unknown);
  if (failures.length > 0) throw failures.find(reason => isRefusal(reason)) ?? failures[0];
  return results.flatMap(result => (result.status === "fulfilled" ? [result.value] : []));
}

const isRefusal = (reason: unknown): boolean => ["OUT_OF_STOCK", "RESERVATION_EXPIRED"].includes(codeOf(reason) ?? "");

/** The moment the first reservation ends, RFC 3339. */
export async function reserveStock(call: Call, orderId: string, lines: readonly OrderLine[]): Promise<string | null> {
  const held = await perSku(lines, (sku, quantity) => call("v1.inventory.reserve", { orderId, sku, quantity }));
  return held.map(({ expiresAt }) => expiresAt).sort()[0] ?? null;
}

export const commitStock = (call: Call, orderId: string, lines: readonly OrderLine[]) =>
  perSku(lines, sku => call("v1.inventory.commit", { orderId, sku }));

export const releaseStock = (call: Call, orderId: string, lines: readonly OrderLine[]) =>
  perSku(lines, sku => call("v1.inventory.release", { orderId, sku }));
