// The frame of the scenarios that only place orders: who orders what, and the look at the books afterwards.
import exec from "k6/execution";
import type { Order } from "../../core/contracts/order.ts";
import { auditRun, report } from "./audit.ts";
import { Client } from "./client.ts";
import { placeOrder } from "./orders.ts";
import type { Settings } from "./settings.ts";
import { prepare, skuOf, type Start } from "./shop.ts";

let client: Client | undefined;
/** One per virtual user. */
export const clientOf = (settings: Settings, start: Start): Client => (client ??= new Client(settings, start.session));

/** Of this iteration: the same wish has the same key when it is sent again, and no other wish has it. */
export const keyOf = (scenario: string, { run }: Start): string =>
  `${run}-${scenario}-${String(exec.scenario.iterationInTest)}`;

/** @param repeats 0: the rate of orders is the rate of requests. */
export function buy(scenario: string, settings: Settings, start: Start, repeats = 1): Order | null {
  const sku = skuOf(exec.scenario.iterationInTest % settings.skus);
  return placeOrder(clientOf(settings, start), { key: keyOf(scenario, start), sku, repeats });
}

export const setupOf = (settings: Settings) => (): Start => prepare(settings);

export const teardownOf =
  (settings: Settings) =>
  (start: Start): void => {
    report(auditRun(settings, start).problems);
  };
