// What an alert counts begins at 0: Prometheus sees no rise of a series whose first value is already many.
import { expect, it } from "@jest/globals";
import { RejectionCode } from "../../../core/contracts/order.ts";
import "../../../services/order/order.metrics.ts";
import { scrapeHere, valueOf } from "../../support/scrape.ts";

it("a rejection has its number before the first one, whatever its code", async () => {
  const series = await scrapeHere();
  const first = RejectionCode.enum.map(code => [code, valueOf(series, "comptoir_order_rejections_total", { code })]);
  expect(first).toEqual(RejectionCode.enum.map(code => [code, 0]));
});
