// What the shop earns, sells, refuses and sends.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { board } from "./library/board.ts";
import { toBoard, toLogs } from "./library/links.ts";
import { major } from "./library/money.ts";
import { bars, falling, graph, number, rising, stack, total, type PanelSpec } from "./library/panels.ts";
import { inRange, ofAll, orNone, orZero, over, perSecond, share } from "./library/promql.ts";

const toSagas = toBoard("Sagas & Events", "sagas");
const revenue = (currency: { operator: "=~" | "!~"; value: string }): string =>
  inRange("comptoir_revenue_minor_total", ["currency"], { currency });
const refunds = (currency: { operator: "=~" | "!~"; value: string }): string =>
  inRange("comptoir_refunds_minor_total", ["currency"], { currency });
const revenuePerHour = (currency: { operator: "=~" | "!~"; value: string }): string =>
  `${perSecond("comptoir_revenue_minor_total", ["currency"], { currency })} * 3600`;
const refundsPerHour = (currency: { operator: "=~" | "!~"; value: string }): string =>
  `${perSecond("comptoir_refunds_minor_total", ["currency"], { currency })} * 3600`;

/** Of the time shown. */
const totals: PanelSpec[] = [
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

const orders = [
  stack({
    title: "Orders",
    says: "Orders per second by the status they came to.",
    good: "CONFIRMED above all others.",
    otherwise: "REJECTED grows: reasons beside.",
    unit: units.OpsPerSecond,
    width: 8,
    links: [toSagas],
    queries: [{ expr: perSecond("comptoir_orders_total", ["status"]), legend: "{{status}}" }],
  }),
  graph({
    title: "Rejections by reason",
    says: "Rejected orders per second by the code of their rejection.",
    good: "Some OUT_OF_STOCK and PAYMENT_DECLINED: both are business.",
    otherwise:
      "PAYMENT_UNAVAILABLE: the provider is away. RESERVATION_EXPIRED: payments take longer than COMPTOIR_RESERVATION_TTL.",
    unit: units.OpsPerSecond,
    width: 8,
    links: [toLogs("Rejections in the logs", '|= "REJECTED"')],
    queries: [{ expr: orNone(perSecond("comptoir_order_rejections_total", ["code"]), "code"), legend: "{{code}}" }],
  }),
  graph({
    title: "Share of orders that are rejected",
    says: "Of the orders that came to an end.",
    good: "A few per cent.",
    otherwise: "Reasons beside; out of stock is the usual one, and the lowest stocks stand below.",
    unit: units.PercentUnit,
    width: 8,
    limits: rising(0.1, 0.3),
    queries: [
      {
        expr: share(
          perSecond("comptoir_order_rejections_total"),
          perSecond("comptoir_orders_total", [], { status: { operator: "=~", value: "CONFIRMED|REJECTED" } }),
        ),
        legend: "rejected",
      },
    ],
  }),
];

const money = [
  graph({
    title: "Revenue per hour",
    says: "Captured payments by currency, in major units, at the speed of the moment.",
    good: "Follows the orders.",
    otherwise: "Falls with level orders: smaller baskets, or declined payments.",
    unit: units.LocaleFormat,
    decimals: 2,
    width: 8,
    queries: [{ expr: orNone(major(revenuePerHour), "currency"), legend: "{{currency}}" }],
  }),
  graph({
    title: "Refunds per hour",
    says: "Refunds by currency, in major units, at the speed of the moment.",
    good: "Far below the revenue.",
    otherwise: "A wave of them: a faulty batch of goods, or a script that cancels.",
    unit: units.LocaleFormat,
    decimals: 2,
    width: 8,
    queries: [{ expr: orNone(major(refundsPerHour), "currency"), legend: "{{currency}}" }],
  }),
  graph({
    title: "Payments and documents",
    says: "Payments by outcome, and invoices and credit notes that were numbered, per second.",
    good: "captured and INVOICE run together.",
    otherwise:
      "captured without INVOICE: billing is behind with its events (Sagas & Events). declined grows: cards are tried out, or the provider refuses.",
    unit: units.OpsPerSecond,
    width: 8,
    links: [toSagas],
    queries: [
      { expr: perSecond("comptoir_payments_total", ["outcome"]), legend: "{{outcome}}" },
      { expr: perSecond("comptoir_invoices_total", ["type"]), legend: "{{type}}" },
    ],
  }),
];

const goods = [
  bars({
    title: "Most viewed products",
    says: "Views within the time shown of the SKUs that are viewed most; all others are in other.",
    good: "What is advertised is on top.",
    otherwise: "One SKU far above all: is it in stock (beside)?",
    unit: units.Short,
    decimals: 0,
    queries: [{ expr: `topk(10, ${inRange("products_viewed_total", ["sku"])})`, legend: "{{sku}}" }],
  }),
  bars({
    title: "Lowest stock",
    says: "Units that can be sold of the SKUs with the least of them.",
    good: "None below what is sold until the next receipt.",
    otherwise: "Order more, or set the product INACTIVE; POST /v1/inventory/{sku}/receipts books what arrives.",
    unit: units.Short,
    limits: falling(1, 10),
    queries: [{ expr: `bottomk(15, ${over("min", "comptoir_stock_available", ["sku"])})`, legend: "{{sku}}" }],
  }),
  stack({
    title: "SKUs by what is available",
    says: "SKUs that are sold out, low (COMPTOIR_LOW_STOCK and less) and well stocked.",
    good: "Few out, few low.",
    otherwise: "out grows: rejections with OUT_OF_STOCK follow.",
    unit: units.Short,
    width: 8,
    queries: [{ expr: ofAll("comptoir_stock_items", ["level"]), legend: "{{level}}" }],
  }),
  graph({
    title: "Views",
    says: "Views of products per second.",
    good: "Follows the hours of the day.",
    otherwise: "0 with requests there: clients do not reach the catalogue.",
    unit: units.OpsPerSecond,
    width: 8,
    queries: [{ expr: orZero(perSecond("products_viewed_total")), legend: "views" }],
  }),
  graph({
    title: "Catalogue",
    says: "Products in the catalogue.",
    good: "Changes only when somebody changes it.",
    otherwise: "A drop: products were deleted or a database was restored. Compare with a backup.",
    unit: units.Short,
    width: 8,
    queries: [{ expr: ofAll("product_catalog_size"), legend: "products" }],
  }),
  graph({
    title: "Reservations that expired",
    says: "Reservations per second that ended because nobody committed them.",
    good: "0.",
    otherwise: "Payments take longer than COMPTOIR_RESERVATION_TTL, or sagas stand still.",
    unit: units.OpsPerSecond,
    width: 8,
    links: [toSagas],
    queries: [{ expr: orZero(perSecond("comptoir_reservations_expired_total")), legend: "expired" }],
  }),
];

const people = [
  graph({
    title: "Mails",
    says: "Mails per second by outcome; failed ones are tried again.",
    good: "sent only.",
    otherwise:
      "failed: the mail server is away or refuses. dead: given up; GET /v1/notifications?status=DEAD names them.",
    unit: units.MessagesPerSecond,
    queries: [{ expr: perSecond("comptoir_mails_total", ["outcome"]), legend: "{{outcome}}" }],
  }),
  graph({
    title: "Logins",
    says: "Logins per second by outcome.",
    good: "refused is a small share.",
    otherwise: "Many refused: somebody guesses passwords. The gateway holds them back with 429 (Overview).",
    unit: units.OpsPerSecond,
    queries: [{ expr: perSecond("comptoir_logins_total", ["outcome"]), legend: "{{outcome}}" }],
  }),
];

const speed: PanelSpec[] = [
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

export const business = () =>
  board({
    board: "business",
    title: "Business",
    answers: "What does the shop sell and earn, what does it refuse and why, and what runs out?",
    from: "now-6h",
    links: [toSagas],
    sections: [
      { title: "In the time shown", panels: totals.map(total) },
      { title: "At this moment", panels: speed.map(number) },
      { title: "Orders", panels: orders },
      { title: "Money", panels: money },
      { title: "Goods", panels: goods },
      { title: "Mails and logins", panels: people },
    ],
  });
