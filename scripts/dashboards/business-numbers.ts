// The two rows of numbers of Business.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { toBoard } from "./library/links.ts";
import { major } from "./library/money.ts";
import { rising, type PanelSpec } from "./library/panels.ts";
import { inRange, ofAll, orNone, orZero, perSecond, share, type Pattern } from "./library/promql.ts";

const toSagas = toBoard("Sagas & Events", "sagas");
const revenue = (currency: Pattern): string => inRange("comptoir_revenue_minor_total", ["currency"], { currency });
const refunds = (currency: Pattern): string => inRange("comptoir_refunds_minor_total", ["currency"], { currency });

/** Of the time shown. */
export const totals: PanelSpec[] = [
  {
    title: "Revenue",
    says: "Captured payments within the time shown, by currency, in major units. An estimate from counters: invoices are the truth.",
    good: "What is usual for this time.",
    otherwise:
      "Lower with as many orders: payments are declined (below). Lower with fewer: look at visits and rejections.",
    unit: units.LocaleFormat,
    decimals: 2,
    width: 6,
    queries: [{ expr: orNone(major(revenue), "currency"), legend: "{{currency}}" }],
  },
  {
    title: "Refunds",
    says: "Refunds within the time shown, by currency, in major units.",
    good: "A small share of the revenue.",
    otherwise: "Ask which orders were cancelled or returned: GET /v1/orders?status=CANCELLED.",
    unit: units.LocaleFormat,
    decimals: 2,
    width: 6,
    queries: [{ expr: orNone(major(refunds), "currency"), legend: "{{currency}}" }],
  },
  {
    title: "Orders by status",
    says: "Orders that came to each status within the time shown.",
    good: "Mostly CONFIRMED, later COMPLETED.",
    otherwise: "REJECTED: their reasons stand below. CANCELLED: customers changed their minds.",
    unit: units.Short,
    decimals: 0,
    width: 12,
    links: [toSagas],
    queries: [{ expr: orNone(inRange("comptoir_orders_total", ["status"]), "status"), legend: "{{status}}" }],
  },
];

/** Of this moment. */
export const speed: PanelSpec[] = [
  {
    title: "Orders per minute",
    says: "Orders that were confirmed, at the speed of the moment.",
    good: "What is usual at this hour.",
    otherwise: "0: look at the Overview.",
    unit: units.Short,
    width: 6,
    queries: [
      { expr: orZero(`${perSecond("comptoir_orders_total", [], { status: "CONFIRMED" })} * 60`), legend: "confirmed" },
    ],
  },
  {
    title: "Sold out",
    says: "SKUs of which nothing can be sold.",
    good: "Few.",
    otherwise: "The lowest stocks stand below.",
    unit: units.Short,
    width: 6,
    queries: [{ expr: orZero(ofAll("comptoir_stock_items", [], { level: "out" })), legend: "out" }],
  },
  {
    title: "Mails given up",
    says: "Mails that were tried for the last time, per second.",
    good: "0.",
    otherwise: "GET /v1/notifications?status=DEAD names the orders whose customers were not told.",
    unit: units.MessagesPerSecond,
    width: 6,
    limits: rising(0.000_001, 0.1),
    queries: [{ expr: orZero(perSecond("comptoir_mails_total", [], { outcome: "dead" })), legend: "dead" }],
  },
  {
    title: "Views per order",
    says: "Views of products for each order that is placed.",
    good: "Level.",
    otherwise: "It rises: people look and do not buy. Prices, stock, or a broken checkout.",
    unit: units.Short,
    decimals: 1,
    width: 6,
    queries: [
      {
        expr: share(perSecond("products_viewed_total"), perSecond("comptoir_orders_placed_total")),
        legend: "views",
      },
    ],
  },
];
