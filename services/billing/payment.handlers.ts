// Payments: authorise, capture, void, refund, and reading them.
import { fingerprintOf } from "../../core/commands.ts";
import type { ParamsOf } from "../../core/contracts/action.ts";
import type { billingActions } from "../../core/contracts/billing.ts";
import { present } from "../../core/decisions.ts";
import { fail, toError } from "../../core/errors.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { paymentIdOf } from "../../core/kernel/ids.ts";
import { listPage } from "../../core/paging.ts";
import { commandId, customerOf, maySee, type Request } from "../../core/request.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { Versioned } from "../../core/store/port.ts";
import { paymentView } from "./billing.schema.ts";
import { askProvider, settle, tell } from "./payment.calls.ts";
import { ended, keysOf, type Operation, type PaymentDetails, type PaymentState } from "./payment.domain.ts";
import type { PaymentTools, Settlement } from "./payment.settlement.ts";
import type { Outcome } from "./provider.port.ts";

type Contract = typeof billingActions;
type TakingActions = Pick<Contract, `v1.billing.${"authorize" | "capture" | "void"}`>;
type ClientActions = Pick<Contract, `v1.billing.${"payments" | "payment" | "refund"}`>;
type RefundParams = ParamsOf<Contract["v1.billing.refund"]>;

/** In the payment's currency; null: all that is left. */
function amountOf({ amount }: RefundParams, currency: string): number | null {
  if (amount === undefined) return null;
  if (typeof amount === "number") return amount;
  const wrong = (pointer: string, message: string) =>
    fail("VALIDATION_FAILED", `The refund's amount: ${message}`, { errors: [{ pointer, message }] });
  if (amount.currency !== currency) throw wrong("/amount/currency", `must be ${currency}, as the payment`);
  if (amount.amount === 0) throw wrong("/amount/amount", "must be at least 1");
  return amount.amount;
}

const detailsOf = (
  { customerId = null, ...rest }: ParamsOf<Contract["v1.billing.authorize"]>,
  now: number,
): PaymentDetails => ({ ...rest, customerId, createdAt: timestamp(now) });

/** What the order saga asks. Unknown outcomes are thrown: it asks again. */
export function takingHandlers({ payments, provider, clock }: PaymentTools): HandlersOf<TakingActions> {
  /** `fresh`: the intent was stored by this very call, so the provider cannot know the key yet. */
  async function perform(id: string, { key }: Operation, fresh: boolean, ask: () => Promise<Outcome>) {
    const outcome = await askProvider(async () => (fresh ? null : await provider.find(key)) ?? (await ask()));
    const { document } = await settle(payments, clock, id, key, outcome);
    const settled = present(document);
    const over = ended(settled.state);
    if (over !== null) throw toError(over);
    return paymentView(settled);
  }

  return {
    "v1.billing.authorize": async params => {
      const id = paymentIdOf(params.orderId);
      const details = detailsOf(params, clock.now());
      const { result, document } = await tell(payments, id, { type: "authorize", details });
      const { authorization, amount, method } = result.state;
      if (authorization?.status !== "PENDING") return paymentView(present(document));
      const ask = { key: authorization.key, amount: amount.amount, currency: amount.currency, method };
      return perform(id, authorization, result.facts.length > 0, () => provider.authorize(ask));
    },

    "v1.billing.capture": async ({ orderId }) => {
      const id = paymentIdOf(orderId);
      const { result, document } = await tell(payments, id, { type: "capture" });
      const { capture } = result.state;
      if (capture?.status !== "PENDING") return paymentView(present(document));
      const ask = { key: capture.key, authorizationKey: keysOf(orderId).authorize, amount: capture.amount };
      return perform(id, capture, result.facts.length > 0, () => provider.capture(ask));
    },

    "v1.billing.void": async params => {
      const now = clock.now();
      const command = { type: "void", details: detailsOf(params, now), now } as const;
      await tell(payments, paymentIdOf(params.orderId), command);
      return {};
    },
  };
}

export function paymentHandlers({ payments, random }: PaymentTools, settlement: Settlement): HandlersOf<ClientActions> {
  async function visible(id: string, request: Request): Promise<Versioned<PaymentState>> {
    const document = await payments.load(id);
    if (document === null || !maySee(request.principal, document.state.customerId))
      throw fail("PAYMENT_NOT_FOUND", `There is no payment ${id}`);
    return document;
  }

  return {
    "v1.billing.payments": ({ orderId, ...page }, { principal }) => {
      const own = customerOf(principal);
      const where = { ...(own === null ? {} : { customerId: own }), ...(orderId === undefined ? {} : { orderId }) };
      return listPage(payments, { where, orderBy: "createdAt", direction: "desc" }, page, paymentView);
    },

    "v1.billing.payment": async ({ id }, request) => paymentView(await visible(id, request)),

    "v1.billing.refund": async (params, request) => {
      const { state } = await visible(params.id, request);
      const id = `re:${commandId(request, () => random.id())}`;
      const amount = amountOf(params, state.amount.currency);
      const wanted = { id, reason: params.reason, fingerprint: fingerprintOf(request), amount, orLess: false };
      const { replayed, document } = await settlement.refund(params.id, wanted, request);
      return { replayed, resource: paymentView(document) };
    },
  };
}
