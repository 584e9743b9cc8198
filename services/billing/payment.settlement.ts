// Giving money back: refunds, asked at once, and the sweep that asks about voids and refunds until the provider has told.
import { keyReused } from "../../core/commands.ts";
import { present } from "../../core/decisions.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { backoff, type Random } from "../../core/kernel/random.ts";
import type { Request } from "../../core/request.ts";
import { refuseWith, type Versioned } from "../../core/store/port.ts";
import { settle, tell, verdictOf, type Payments } from "./payment.calls.ts";
import { keysOf, type Operation, type PaymentState } from "./payment.domain.ts";
import { outstanding } from "./payment.evolution.domain.ts";
import type { Outcome, PaymentProvider } from "./provider.port.ts";

export interface PaymentTools {
  readonly payments: Payments;
  readonly provider: PaymentProvider;
  readonly clock: Clock;
  readonly random: Random;
  /** The provider gave no answer to the call with this key: it is asked again. */
  readonly onUnknown?: (key: string, error: unknown) => void;
}

export interface WantedRefund {
  /** The same id is the same refund. */
  readonly id: string;
  readonly reason: string;
  readonly fingerprint: string;
  /** Minor units; null: all that is left. */
  readonly amount: number | null;
  /** Take what is left when it is less, even nothing. */
  readonly orLess: boolean;
}

/** Whoever asks at once gets this long before the sweep asks too. */
const HEAD_START_MS = 10_000;
const RETRY = { base: 1_000, cap: 60_000 };
const BATCH = 50;

export class Settlement {
  readonly #tools: PaymentTools;

  constructor(tools: PaymentTools) {
    this.#tools = tools;
  }

  /** Stored, then asked once. Unknown leaves it PENDING. @throws PAYMENT_NOT_FOUND, REFUND_EXCEEDS_CAPTURE, IDEMPOTENCY_KEY_REUSED */
  async refund(id: string, wanted: WantedRefund, request: Request) {
    const { payments, clock } = this.#tools;
    const now = clock.now();
    const { amount, orLess, ...refund } = wanted;
    const asked = { ...refund, requestedAt: timestamp(now) };
    const command = { type: "refund", refund: asked, amount, orLess, dueAt: now + HEAD_START_MS } as const;
    const { result, document } = await payments.update(id, current => {
      const known = current?.state.refunds.find(each => each.id === wanted.id);
      const reused = known === undefined ? null : keyReused(known.fingerprint, request);
      return reused === null ? verdictOf(command, current?.state ?? null) : refuseWith(reused);
    });
    const [fact] = result.facts;
    if (fact?.type !== "refundIntended") return { replayed: true, document: present(document) };
    await this.#conclude(id, fact.refund.key, this.#askRefund(result.state, fact.refund));
    return { replayed: false, document: present(await payments.load(id)) };
  }

  /** One bounded round over what is due. */
  async sweep(): Promise<void> {
    const { payments, clock } = this.#tools;
    const query = { where: { dueAt: { lte: clock.now() } }, orderBy: "dueAt", limit: BATCH };
    const { items } = await payments.list(query);
    await Promise.all(items.map(payment => this.#askAgain(payment)));
  }

  async #askAgain({ id, state }: Versioned<PaymentState>): Promise<void> {
    const { payments, provider, clock, random } = this.#tools;
    const now = clock.now();
    const retryAt = now + RETRY.base + backoff(state.attempts + 1, random, RETRY);
    const { result } = await tell(payments, id, { type: "attempt", now, retryAt });
    // Another sweep was faster.
    if (result.facts.length === 0) return;
    const { release, refunds } = outstanding(result.state);
    const again = async ({ key }: Operation, ask: () => Promise<Outcome>): Promise<void> => {
      const found = async (): Promise<Outcome> => (await provider.find(key)) ?? ask();
      await this.#conclude(id, key, found());
    };
    await Promise.all([
      ...(release === null ? [] : [again(release, () => this.#askVoid(result.state, release))]),
      ...refunds.map(refund => again(refund, () => this.#askRefund(result.state, refund))),
    ]);
  }

  #askRefund({ orderId }: PaymentState, { key, amount }: Operation): Promise<Outcome> {
    return this.#tools.provider.refund({ key, captureKey: keysOf(orderId).capture, amount });
  }

  #askVoid({ orderId }: PaymentState, { key }: Operation): Promise<Outcome> {
    return this.#tools.provider.void({ key, authorizationKey: keysOf(orderId).authorize });
  }

  async #conclude(id: string, key: string, asked: Promise<Outcome>): Promise<void> {
    const { payments, clock, onUnknown } = this.#tools;
    const outcome = await asked.catch((error: unknown) => {
      onUnknown?.(key, error);
      return null;
    });
    if (outcome !== null) await settle(payments, clock, id, key, outcome);
  }
}
