// The numbers of the catalogue: how large it is, and what of it is looked at.
import { OTHER } from "../../core/metrics/family.ts";
import { counter, gauge } from "../../core/metrics/registry.ts";
import type { DocumentStore } from "../../core/store/port.ts";
import { Views } from "./product.views.ts";

const viewed = counter("products_viewed_total");
const size = gauge("product_catalog_size").labels();

const views = new Views({ shown: 50, candidates: 500 });
viewed.onScrape(() => {
  viewed.reset();
  for (const [sku, count] of views.shown()) viewed.labels({ sku }).inc(count);
  viewed.labels({ sku: OTHER }).inc(views.other);
});

export function countView(sku: string): void {
  views.view(sku);
}

export async function measureCatalogue(products: Pick<DocumentStore<unknown>, "count">): Promise<void> {
  size.set(await products.count());
}
