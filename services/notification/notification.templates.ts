// Subject and text of each mail, from templates/<name>.eta: "Subject: …", an empty line, the body.
import { fileURLToPath } from "node:url";
import { Eta } from "eta";
import type { EventData, EventType } from "../../core/contracts/index.ts";
import type { Money } from "../../core/kernel/money.ts";

/** Which mail an event makes. */
export const templates = {
  "account.registered.v1": "account-registered",
  "order.confirmed.v1": "order-confirmed",
  "order.rejected.v1": "order-rejected",
  "order.cancelled.v1": "order-cancelled",
  "order.shipped.v1": "order-shipped",
  "order.returned.v1": "order-returned",
  "invoice.issued.v1": "invoice-issued",
  "creditnote.issued.v1": "creditnote-issued",
  "payment.refunded.v1": "payment-refunded",
} as const satisfies Partial<Record<EventType, string>>;
export type MailedEvent = keyof typeof templates;
export type TemplateName = (typeof templates)[MailedEvent];

/** Plain text: there is nothing to escape. */
const eta = new Eta({
  views: fileURLToPath(new URL("templates", import.meta.url)),
  autoEscape: false,
  autoTrim: false,
  cache: true,
});

const formats = new Map<string, Intl.NumberFormat>();

/** Kept: making one costs more than the mail around it. */
function formatOf(currency: string): Intl.NumberFormat {
  const format = formats.get(currency) ?? new Intl.NumberFormat("en-GB", { style: "currency", currency });
  formats.set(currency, format);
  return format;
}

/** "£2.55", "¥300": the currency's own number of decimals, from whole minor units without a float in between. */
export function formatMoney({ amount, currency }: Money): string {
  const format = formatOf(currency);
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(`${String(amount)}E-${String(decimals)}` as `${number}`);
}

/** `orderNumber` is null where the event does not tell it and nothing earlier did. */
export function render<T extends MailedEvent>(type: T, data: EventData<T>, orderNumber: string | null) {
  const text = eta.render(`./${templates[type]}`, { ...data, orderNumber, money: formatMoney });
  const [head = "", ...lines] = text.split("\n");
  const subject = head.replace(/^Subject: /, "");
  return { subject, body: `${lines.join("\n").trim()}\n` };
}
