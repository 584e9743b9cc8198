// A shop in containers as the documentation has it: its administrator, its stock, its buyers.
import { setTimeout as pause } from "node:timers/promises";
import type { Stack } from "../../scripts/compose/stack.ts";
import { orderLoad, type Load } from "../../scripts/support/load.ts";
import { client, type Client } from "../support/client.ts";

const GATEWAY_PORT = 3000;
const OPS_PORT = 3100;
export const RECEIVED = 100_000;

export interface ContainerShop {
  readonly api: Client;
  readonly skus: readonly string[];
  /** What came in of each SKU. */
  readonly received: ReadonlyMap<string, number>;
  /** Buyers at every gateway that runs. */
  load(name: string, options?: { readonly retries?: number }): Load;
  /** Looks anew where the gateways are. */
  refresh(): Promise<void>;
}

/** Where the password is that the first start made. */
async function administratorToken(stack: Stack, url: string): Promise<string> {
  const credentials = await stack.execute("account-1", ["cat", "/data/admin-credentials.json"]);
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/auth/login`, { method: "POST", headers, body: credentials });
  if (!answer.ok) throw new Error(`Login: ${String(answer.status)} ${await answer.text()}`);
  return ((await answer.json()) as { accessToken: string }).accessToken;
}

/** @param kinds how many SKUs: many, because the calls for one go to one replica. */
export async function openContainerShop(stack: Stack, kinds: number): Promise<ContainerShop> {
  let urls = await stack.urls("gateway", GATEWAY_PORT);
  const [url = ""] = urls;
  const token = await administratorToken(stack, url);
  const api = client(url, token);
  const skus = Array.from({ length: kinds }, (_, index) => `SKU-${String(index)}`);
  for (const sku of skus) {
    const product = { sku, name: `Product ${sku}`, price: { amount: 255, currency: "GBP" } };
    const answers = [
      await api.post("/v1/products", product, `product-${sku}`),
      await api.post(`/v1/inventory/${sku}/receipts`, { quantity: RECEIVED }, `stock-${sku}`),
    ];
    const refused = answers.find(({ status }) => status >= 400);
    if (refused !== undefined) throw new Error(JSON.stringify(refused.body));
  }
  return {
    api,
    skus,
    received: new Map(skus.map(sku => [sku, RECEIVED])),
    load: (name, options = {}) =>
      orderLoad({ urls: () => urls, token: () => token, skus, concurrency: 6, ratePerSecond: 40, name, ...options }),
    async refresh() {
      urls = await stack.urls("gateway", GATEWAY_PORT);
    },
  };
}

/** Of the ops port inside the container: it is published nowhere. */
async function metrics(stack: Stack, container: string): Promise<string> {
  const ask = `fetch("http://127.0.0.1:${String(OPS_PORT)}/metrics").then(r => r.text()).then(t => console.log(t))`;
  return stack.execute(container, ["node", "-e", ask]);
}

/** What the container has counted in the series that begin so: their sum. */
export async function counted(stack: Stack, container: string, series: string): Promise<number> {
  const lines = (await metrics(stack, container)).split("\n").filter(line => line.startsWith(series));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** How many calls of these actions the container has begun. */
export const callsBegun = (stack: Stack, container: string, prefix: string): Promise<number> =>
  counted(stack, container, `comptoir_actions_begun_total{action="${prefix}`);

/** @throws with the last answer when it is not right in time */
export async function within<T>(ms: number, ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > end) throw new Error(`Not right after ${String(ms)} ms: ${JSON.stringify(answer)}`);
    await pause(100);
  }
}
