// What has to be there before the first order: products, customers, opening stock.
import { ShopError, reasonOf, type Answer, type Shop } from "./client.ts";
import { inParallel } from "./parallel.ts";
import { counts, customers, openings, products, type OpeningPlan } from "./queries.ts";
import type { Replay } from "./replay.ts";

/** The shop's bound for one receipt. */
const MAX_RECEIPT = 1_000_000;

/** Every row depends on it: a refusal other than that it exists already ends the import. */
function required(what: string, answer: Answer<unknown>, exists?: string): void {
  if (!answer.ok && answer.code !== exists) throw new ShopError(`${what} was refused: ${reasonOf(answer)}`);
}

async function receive(shop: Shop, { sku, quantity, digest }: OpeningPlan): Promise<void> {
  const path = `/v1/inventory/${encodeURIComponent(sku)}/receipts`;
  for (let from = 0; from < quantity; from += MAX_RECEIPT) {
    const body = { quantity: Math.min(MAX_RECEIPT, quantity - from), reason: "Opening stock" };
    required(`Opening stock of ${sku}`, await shop.ask(path, body, `import:opening:${digest}:${String(from)}`));
  }
}

export async function prepare({ db, shop, currency, width, progress }: Replay): Promise<void> {
  const total = counts(db);
  const phase = async <T>(name: string, size: number, items: Iterable<T>, work: (item: T) => Promise<void>) => {
    progress.start(name, size);
    await inParallel(items, width, async item => {
      await work(item);
      progress.add(1);
    });
    progress.stop();
  };
  await phase("products", total.products, products(db), async ({ sku, name, price }) => {
    const body = { sku, name, price: { amount: price, currency } };
    required(`Product ${sku}`, await shop.ask("/v1/products", body), "SKU_EXISTS");
  });
  await phase("customers", total.customers, customers(db), async ({ id, country }) => {
    const body = { id, name: `Customer ${id}`, ...(country === null ? {} : { country }) };
    required(`Customer ${id}`, await shop.ask("/v1/customers", body), "CUSTOMER_EXISTS");
  });
  await phase("stock", total.openings, openings(db), opening => receive(shop, opening));
}
