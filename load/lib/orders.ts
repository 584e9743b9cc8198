// Placing an order, and what is counted about it.
import { check } from "k6";
import { Counter, Trend } from "k6/metrics";
import type { Order } from "../../core/contracts/order.ts";
import { isRefusal, type Answer, type Client } from "./client.ts";
import { emailOf } from "./shop.ts";

/** Answered with an order, whatever became of it then. */
const accepted = new Counter("orders_accepted");
/** Answered with 503 or 429, also when asked again. */
const refused = new Counter("orders_refused");
/** Anything else: there should be none. */
const failed = new Counter("orders_failed");
const latency = new Trend("order_latency", true);
/** A refusal that does not say when to come again. */
const unspoken = new Counter("refusals_without_retry_after");

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
  accepted.add(1);
  latency.add(answer.timings.duration);
  return JSON.parse(answer.body) as Order;
}

const isAccepted = ({ status }: Answer): boolean => status === 201 || status === 202;

function notAccepted(answer: Answer): null {
  const isSaid = check(answer, { "a refusal is a 503 or a 429": isRefusal });
  (isSaid ? refused : failed).add(1);
  if (isSaid && answer.headers["Retry-After"] === undefined) unspoken.add(1);
  return null;
}
