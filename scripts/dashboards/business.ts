// What the shop earns, sells, refuses and sends.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { speed, totals } from "./business-numbers.ts";
import { board } from "./library/board.ts";
import { toBoard, toLogs } from "./library/links.ts";
import { major } from "./library/money.ts";
import { bars, falling, graph, number, rising, stack, total } from "./library/panels.ts";
import { inRange, matching, ofAll, orNone, orZero, over, perSecond, share, type Pattern } from "./library/promql.ts";

const toSagas = toBoard("Sagas & Events", "sagas");
const revenuePerHour = (currency: Pattern): string =>
  `${perSecond("comptoir_revenue_minor_total", ["currency"], { currency })} * 3600`;
const refundsPerHour = (currency: Pattern): string =>
  `${perSecond("comptoir_refunds_minor_total", ["currency"], { currency })} * 3600`;

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
    links: [toLogs("Rejections in the logs", '|= "order.rejected.v1"')],
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
          perSecond("comptoir_orders_total", [], { status: matching("CONFIRMED|REJECTED") }),
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
