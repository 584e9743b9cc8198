// What billing does because of orders: an invoice when confirmed; refund and credit when cancelled or returned.
// Every id follows from the order or the return, so a second delivery finds what the first one made.
import { deriveId } from "../../core/derive-id.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { invoiceIdOf, paymentIdOf } from "../../core/kernel/ids.ts";
import { sumAmounts } from "../../core/kernel/money.ts";
import type { Reactions } from "../../core/reactions.ts";
import type { Request } from "../../core/request.ts";
import { invoiceOf, returned, uncredited } from "./invoice.domain.ts";
import type { Issuing } from "./invoice.issuing.ts";
import type { Payments } from "./payment.calls.ts";
import type { Settlement } from "./payment.settlement.ts";

interface ReactionTools {
  readonly payments: Payments;
  readonly settlement: Settlement;
  readonly issuing: Issuing;
  readonly clock: Clock;
}

export function billingReactions({ payments, settlement, issuing, clock }: ReactionTools) {
  /** At most `amount`; a free order has no payment. */
  async function giveBack(
    orderId: string,
    wanted: { key: string; reason: string; amount: number | null },
    request: Request,
  ) {
    const id = paymentIdOf(orderId);
    if ((await payments.load(id)) === null) return;
    const { key, reason, amount } = wanted;
    await settlement.refund(id, { id: `re:${key}`, reason, fingerprint: "", amount, orLess: true }, request);
  }

  return {
    "order.confirmed.v1": async ({ data }) => {
      const id = invoiceIdOf(data.orderId);
      await issuing.issueOnce(id, invoiceOf(id, data, timestamp(clock.now())));
    },

    "order.cancelled.v1": async ({ data: { orderId, reason } }, request) => {
      const key = deriveId(orderId, "cancel");
      await giveBack(orderId, { key, reason, amount: null }, request);
      const details = { reason, externalNumber: null, externalIssuedAt: null };
      await issuing.credit(invoiceIdOf(orderId), `cn:${key}`, uncredited, details);
    },

    "order.returned.v1": async ({ data: { orderId, currency, credit, return: made } }, request) => {
      const key = deriveId(orderId, "return", made.id);
      const { reason, number, returnedAt } = made;
      const { amount } = sumAmounts(credit, currency).gross;
      await giveBack(orderId, { key, reason, amount }, request);
      const details = { reason, externalNumber: number, externalIssuedAt: returnedAt };
      await issuing.credit(invoiceIdOf(orderId), `cn:${key}`, () => returned(credit), details);
    },
  } satisfies Reactions;
}
