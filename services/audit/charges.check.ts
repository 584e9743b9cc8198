// Charges: every payment against the provider's ledger and its order, and every line of the ledger against billing.
import type { OrderFacts, PaymentFacts } from "../../core/contracts/audit.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { judgeArrival } from "./arrival.domain.ts";
import { judgeCharge, judgePayment } from "./charges.domain.ts";
import { byId, pagesOf, type Check, type CheckTools, type Round } from "./check.ts";
import { seqOf } from "./fold.domain.ts";
import { partsOf, type Violation } from "./violation.ts";

const foldIdOf = ({ orderId }: PaymentFacts): string => `order:${orderId}`;

class ChargesCheck implements Check {
  readonly name = "charges";
  readonly #tools: CheckTools;
  readonly #settleMs: number;

  constructor(tools: CheckTools, settleMs: number) {
    this.#tools = tools;
    this.#settleMs = settleMs;
  }

  async scan(round: Round): Promise<void> {
    const { call } = this.#tools;
    for await (const payments of pagesOf(from => call("v1.billing.inspectPayments", from)))
      await round.page(await this.#judgePage(payments), payments.length);
    for (const type of ["CAPTURE", "REFUND"] as const) {
      for await (const lines of pagesOf(from => call("v1.billing.inspectCharges", { type, ...from }))) {
        const askedBefore = this.#askedBefore();
        await round.page(
          lines.map(line => judgeCharge(line, askedBefore)),
          lines.length,
        );
      }
    }
  }

  look(subject: string): Promise<Violation | null> {
    const [kind, id] = partsOf(subject);
    return kind === "charge" ? this.#lookAtCharge(id) : this.#lookAtPayment(id);
  }

  async #judgePage(payments: readonly PaymentFacts[]): Promise<(Violation | null)[]> {
    const { folds } = this.#tools;
    const [orders, found] = await Promise.all([this.#ordersOf(payments), folds.loadMany(payments.map(foldIdOf))]);
    const foldOf = byId(found);
    return payments.flatMap(payment => {
      const fold = foldOf.get(foldIdOf(payment))?.state ?? null;
      const arrival = judgeArrival(`payment:${payment.id}`, payment, fold, null);
      return [judgePayment(payment, orders.get(payment.orderId)), arrival];
    });
  }

  /** The order before its payment: what an order says of its payment happened before. */
  async #lookAtPayment(id: string): Promise<Violation | null> {
    const known = await this.#paymentOf(id);
    if (known === undefined) return null;
    const order = (await this.#ordersOf([known])).get(known.orderId);
    const payment = await this.#paymentOf(id);
    const fold = (await this.#tools.folds.load(foldIdOf(known)))?.state ?? null;
    // Billing learns of the order's end by the log, as the audit does.
    if (payment === undefined || (order !== undefined && seqOf(fold, `order:${order.id}`) < order.seq)) return null;
    return judgePayment(payment, order);
  }

  async #lookAtCharge(key: string): Promise<Violation | null> {
    const [line] = (await this.#tools.call("v1.billing.inspectCharges", { ids: [key] })).items;
    return line === undefined ? null : judgeCharge(line, this.#askedBefore());
  }

  async #paymentOf(id: string): Promise<PaymentFacts | undefined> {
    return (await this.#tools.call("v1.billing.inspectPayments", { ids: [id] })).items[0];
  }

  async #ordersOf(payments: readonly PaymentFacts[]): Promise<Map<string, OrderFacts>> {
    const ids = payments.map(({ orderId }) => orderId);
    return byId((await this.#tools.call("v1.order.inspect", { ids })).items);
  }

  #askedBefore(): string {
    return timestamp(this.#tools.clock.now() - this.#settleMs);
  }
}

/** @param settleMs what the saga may take to learn what the provider did */
export const chargesCheck = (tools: CheckTools, settleMs: number): Check => new ChargesCheck(tools, settleMs);
