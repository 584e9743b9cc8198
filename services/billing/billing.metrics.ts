// The numbers of money: captured, given back, declined, and the documents that were numbered.
import { countEvents } from "../../core/metrics/count-events.ts";
import { counter } from "../../core/metrics/registry.ts";

const revenue = counter("comptoir_revenue_minor_total");
const refunds = counter("comptoir_refunds_minor_total");
const payments = counter("comptoir_payments_total");
const invoices = counter("comptoir_invoices_total");

export const countMoney = countEvents({
  "payment.captured.v1": ({ amount: { amount, currency } }) => {
    payments.labels({ outcome: "captured" }).inc();
    revenue.labels({ currency }).inc(amount);
  },
  "payment.failed.v1": () => {
    payments.labels({ outcome: "declined" }).inc();
  },
  "payment.voided.v1": () => {
    payments.labels({ outcome: "voided" }).inc();
  },
  "payment.refunded.v1": ({ amount: { amount, currency } }) => {
    refunds.labels({ currency }).inc(amount);
  },
  "invoice.issued.v1": () => {
    invoices.labels({ type: "INVOICE" }).inc();
  },
  "creditnote.issued.v1": () => {
    invoices.labels({ type: "CREDIT_NOTE" }).inc();
  },
});
