// Placing an order, and what is counted about it.
import { check } from "k6";
import { Counter, Trend } from "k6/metrics";
import type { Order } from "../../core/contracts/order.ts";
import { isRefusal, type Answer, type Client } from "./client.ts";
import { emailOf } from "./shop.ts";

const outcomes = {
  /** Answered with an order, whatever became of it then. */
  accepted: new Counter("orders_accepted"),
  /** Answered with 503 or 429, also when asked again. */
  refused: new Counter("orders_refused"),
  /** Anything else: there should be none. */
  failed: new Counter("orders_failed"),
};
const latency = new Trend("order_latency", true);
/** A refusal that does not say when to come again. */
const unspoken = new Counter("refusals_without_retry_after");

/** The others with 0: Prometheus does not see the rise of a series that begins with it. */
function count(outcome: keyof typeof outcomes): void {
  for (const [name, counter] of Object.entries(outcomes)) counter.add(name === outcome ? 1 : 0);
}

export interface Wish {
  readonly key: string;
  readonly sku: string;
  readonly quantity?: number;
  /** 0: the rate of orders is the rate of requests. */
  readonly repeats?: number;
}

/** The order, or null when it was refused or failed. */
export function placeOrder(client: Client, { key, sku, quantity = 1, repeats = 1 }: Wish): Order | null {
  const body = {
    email: emailOf(key),
    currency: "GBP",
    lines: [{ sku, quantity }],
    payment: { method: "pm_card_visa" },
  };
  const answer = client.post("/v1/orders", body, { name: "/v1/orders", key, repeats });
  if (!isAccepted(answer)) return notAccepted(answer);
  count("accepted");
  latency.add(answer.timings.duration);
  return JSON.parse(answer.body) as Order;
}

const isAccepted = ({ status }: Answer): boolean => status === 201 || status === 202;

function notAccepted(answer: Answer): null {
  const isRefused = check(answer, { "a refusal is a 503 or a 429": isRefusal });
  count(isRefused ? "refused" : "failed");
  if (isRefused && answer.headers["Retry-After"] === undefined) unspoken.add(1);
  return null;
}
