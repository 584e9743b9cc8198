// What a run finds in the shop: products with stock, made by whoever comes first and found by all later runs.
import { sleep } from "k6";
import exec from "k6/execution";
import type { StockItem } from "../../core/contracts/inventory.ts";
import type { Order } from "../../core/contracts/order.ts";
import { Client, login, type Answer, type Session } from "./client.ts";
import { testid, type Settings } from "./settings.ts";

/** What setup() hands to the virtual users and to teardown(). */
export interface Start {
  readonly session: Session;
  /** Tells runs on one shop apart: begins each key and each e-mail address. */
  readonly run: string;
  /** In ms since the epoch. */
  readonly at: number;
  /** Before the run, by SKU. */
  readonly stock: Readonly<Record<string, StockItem>>;
}

/** As k6 tags what it pushes. */
export const runName = (): string => exec.test.options.tags?.["testid"] ?? testid();

/** Of each SKU at the begin of a run: more than any run sells. */
const PLENTY = 1_000_000;
const PATIENCE_S = 60;

export const skuOf = (index: number): string => `LOAD-${String(index).padStart(3, "0")}`;
export const skusOf = ({ skus }: Settings): string[] => Array.from({ length: skus }, (_, index) => skuOf(index));
export const pathOf = (sku: string): string => `/v1/inventory/${encodeURIComponent(sku)}`;
/** Of an order: names the wish, so that two orders for one wish are seen. */
export const emailOf = (key: string): string => `${key}@load.example`;
export const isOf = (run: string, { email }: Pick<Order, "email">): boolean =>
  email?.endsWith("@load.example") === true && email.startsWith(`${run}-`);

function require(answer: Answer, what: string, ...right: number[]): void {
  if (!right.includes(answer.status))
    exec.test.abort(`${what}: ${String(answer.status)} ${answer.error || answer.body}`);
}

/** One that is there already is as good (409). */
function makeProduct(client: Client, sku: string): void {
  const body = { sku, name: `Load test ${sku}`, price: { amount: 255, currency: "GBP" }, taxRate: 2000 };
  const answer = client.post("/v1/products", body, { name: "/v1/products", repeats: 10, orElse: 409 });
  require(answer, `Product ${sku}`, 201, 409);
}

export const stockOf = (client: Client, sku: string): StockItem =>
  client.read(pathOf(sku), "/v1/inventory/{sku}") as StockItem;

function fill(client: Client, run: string, sku: string, wanted: number): StockItem {
  makeProduct(client, sku);
  const name = "/v1/inventory/{sku}/receipts";
  const found = client.get(pathOf(sku), { name: "/v1/inventory/{sku}", repeats: 10 });
  const there = found.status === 200 ? (JSON.parse(found.body) as StockItem).available : 0;
  if (there < wanted) {
    const key = `${run}-stock-${sku}`;
    const receipt = client.post(
      `${pathOf(sku)}/receipts`,
      { quantity: wanted - there, reason: "Load test" },
      { name, key, repeats: 10 },
    );
    require(receipt, `Receipt of ${sku}`, 201);
  }
  return stockOf(client, sku);
}

/** An earlier run that was cut off may have left some: they would move the stock during this one. */
function awaitEarlierRuns(client: Client): void {
  const end = Date.now() + PATIENCE_S * 1000;
  const isOpen = (): boolean =>
    [...client.all<Order>("/v1/orders?status=PENDING", "/v1/orders")].some(({ email }) =>
      email?.endsWith("@load.example"),
    );
  while (isOpen()) {
    if (Date.now() > end)
      exec.test.abort(`Orders of an earlier run are still PENDING after ${String(PATIENCE_S)} s: see GET /v1/audit`);
    sleep(1);
  }
}

/** Logs in, and sees to it that each SKU has at least that many units. Doing it again changes nothing. */
export function prepare(settings: Settings, skus: readonly string[] = skusOf(settings), wanted = PLENTY): Start {
  const session = login(settings);
  const client = new Client(settings, session);
  const run = runName();
  awaitEarlierRuns(client);
  const stock = Object.fromEntries(skus.map(sku => [sku, fill(client, run, sku, wanted)]));
  return { session, run, at: Date.now(), stock };
}
