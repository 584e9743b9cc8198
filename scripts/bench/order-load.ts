// Orders as a benchmark places them, one line each, and proof that each is confirmed, invoiced and told.
import autocannon, { type Request } from "autocannon";

/** Where orders go, and as whom. */
export interface Target {
  readonly url: string;
  /** All gateways, when there are several: they share the load. */
  readonly urls?: readonly string[];
  readonly token: string;
}

const STOCK = 1_000_000;

export interface Run {
  readonly name: string;
  readonly skus: readonly string[];
}
export interface Measured {
  readonly name: string;
  readonly orders: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly notConfirmed: number;
  readonly settledMs: number;
}

async function post({ url, token }: Target, path: string, body: object, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": key };
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
}

export async function stockUp(target: Target, skus: readonly string[]): Promise<void> {
  for (const sku of skus) {
    await post(
      target,
      "/v1/products",
      { sku, name: `Product ${sku}`, price: { amount: 255, currency: "GBP" } },
      `product-${sku}`,
    );
    await post(target, `/v1/inventory/${sku}/receipts`, { quantity: STOCK }, `stock-${sku}`);
  }
}

/** Autocannon's request for one order more at every turn. */
function orderRequests(run: Run, token: string) {
  let sent = 0;
  return (request: Request): Request => {
    sent += 1;
    const body = {
      email: "bench@example.org",
      currency: "GBP",
      lines: [{ sku: run.skus[sent % run.skus.length], quantity: 1 }],
      payment: { method: "pm_card_visa" },
    };
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": `${run.name}-${String(sent)}`,
      // An answer is that of an order which has ended, however busy the machine is.
      prefer: "wait=10",
    };
    return { ...request, headers, body: JSON.stringify(body) };
  };
}

interface LoadOptions {
  readonly clients: number;
  readonly seconds: number;
}

/** Orders until the time is over; every answer is looked at. */
export async function load(
  { url, urls = [url], token }: Target,
  run: Run,
  { clients, seconds }: LoadOptions,
): Promise<Omit<Measured, "settledMs">> {
  let confirmed = 0;
  let other = 0;
  const result = await autocannon({
    // Its typings know one address only; it takes turns between several.
    url: urls as unknown as string,
    connections: clients,
    duration: seconds,
    requests: [
      {
        method: "POST",
        path: "/v1/orders",
        setupRequest: orderRequests(run, token),
        onResponse: (status, body) => {
          const isConfirmed = status === 201 && (JSON.parse(body) as { status: string }).status === "CONFIRMED";
          if (isConfirmed) confirmed += 1;
          else other += 1;
        },
      },
    ],
  });
  return {
    name: run.name,
    orders: confirmed,
    perSecond: confirmed / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    notConfirmed: other + result.errors + result.timeouts,
  };
}

async function countAll({ url, token }: Target, path: string): Promise<number> {
  let count = 0;
  let cursor: string | null = "";
  while (cursor !== null) {
    const after: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await fetch(`${url}${path}?limit=100${after}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = (await answer.json()) as { items: { status: string }[]; nextCursor: string | null };
    count += page.items.filter(item => item.status !== "REJECTED").length;
    cursor = page.nextCursor;
  }
  return count;
}

/** Of each order: that it is confirmed, and its invoice. */
const MAILS_PER_ORDER = 2;

/** Milliseconds until every order has its invoice and both its mails, so until the last event is delivered. */
export async function settle(target: Target): Promise<number> {
  const start = performance.now();
  for (;;) {
    // Counted anew each time: the last orders were still running when their clients hung up.
    const orders = await countAll(target, "/v1/orders");
    const invoices = await countAll(target, "/v1/invoices");
    const mails = invoices === orders ? await countAll(target, "/v1/notifications") : 0;
    const took = performance.now() - start;
    if (mails === orders * MAILS_PER_ORDER) return took;
    if (took > 120_000) {
      throw new Error(
        `${String(orders)} orders, ${String(invoices)} invoices, ${String(mails)} mails after two minutes`,
      );
    }
  }
}
