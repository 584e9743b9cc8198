// A payment provider for tests and demonstrations, with a durable ledger of its own: what was really taken is counted there.
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { keep, write, type CollectionSpec, type DocumentStore } from "../../core/store/port.ts";
import type { Outcome, PaymentProvider } from "./provider.port.ts";

/** A capture or void of an authorisation, or a refund of a capture: written into what it uses up, so that it is used once. */
interface Claim {
  readonly key: string;
  readonly type: "CAPTURE" | "VOID" | "REFUND";
  readonly amount: number;
}

/** One per provider key. */
export interface LedgerEntry {
  readonly type: "AUTHORIZATION" | "CAPTURE" | "VOID" | "REFUND";
  /** Minor units; 0 when declined. */
  readonly amount: number;
  readonly currency: string;
  readonly method: string;
  readonly state: "APPROVED" | "DECLINED";
  readonly code: string | null;
  /** The key of what it captures, voids or refunds. */
  readonly of: string | null;
  readonly claims: readonly Claim[];
  readonly at: string;
}

export const ledgerCollection: CollectionSpec<LedgerEntry> = {
  name: "ledger",
  aggregate: "ledger",
  indexes: [{ on: ["type"] }],
  eventless: true,
  schemaVersion: 1,
};

const SLOW_MS = 3_000;
const declines: Readonly<Record<string, string | null>> = {
  pm_card_visa: null,
  pm_card_chargeDeclined: "generic_decline",
  pm_card_chargeDeclinedInsufficientFunds: "insufficient_funds",
  pm_sim_captureFails: null,
  pm_sim_slow: null,
  pm_sim_unknown: null,
};

const declineOf = (method: string): string | null =>
  Object.hasOwn(declines, method) ? (declines[method] ?? null) : "unknown_payment_method";

const outcomeOf = (key: string, { state, code }: LedgerEntry): Outcome =>
  state === "APPROVED" ? { status: "approved", ref: `sim_${key}` } : { status: "declined", code: code ?? "declined" };

/** A call about an earlier one; `asked` null: as much as that one. */
interface Derived {
  readonly type: Claim["type"];
  readonly key: string;
  readonly of: string;
  readonly asked: number | null;
}
/** Null: approved. */
type Ruling = (parent: LedgerEntry | null) => string | null;

const capturable =
  (amount: number): Ruling =>
  parent => {
    if (parent === null) return "no_such_authorization";
    if (parent.state === "DECLINED") return parent.code;
    const [claim] = parent.claims;
    if (claim !== undefined) return claim.type === "VOID" ? "authorization_voided" : "already_captured";
    if (parent.method === "pm_sim_captureFails") return "capture_failed";
    return amount > parent.amount ? "amount_too_large" : null;
  };

const voidable: Ruling = parent =>
  parent?.claims.some(claim => claim.type === "CAPTURE") === true ? "already_captured" : null;

const refundable =
  (amount: number): Ruling =>
  parent => {
    if (parent?.state !== "APPROVED") return "no_such_capture";
    const claimed = parent.claims.reduce((sum, claim) => sum + claim.amount, 0);
    return claimed + amount > parent.amount ? "refund_exceeds_capture" : null;
  };

const makeEntry = ({ code, amount, ...made }: Omit<LedgerEntry, "state" | "claims">): LedgerEntry => ({
  ...made,
  code,
  amount: code === null ? amount : 0,
  state: code === null ? "APPROVED" : "DECLINED",
  claims: [],
});

/** What a call about an earlier one makes of that one (`parent`) and of itself; `others` are the claims that stand in its way. */
function rule(parent: LedgerEntry | null, { key, type, of, asked, at }: Derived & { at: string }, ruling: Ruling) {
  const { method = "", currency = "", claims = [] } = parent ?? {};
  const make = (claim: Claim, code: string | null) =>
    makeEntry({ type: claim.type, amount: claim.amount, currency, method, of, code, at });
  const mine: Claim = { key, type, amount: asked ?? parent?.amount ?? 0 };
  if (claims.some(claim => claim.key === key)) return { parent: null, made: make(mine, null), others: [] };
  const code = ruling(parent);
  const others = claims.map(claim => [claim.key, make(claim, null)] as const);
  if (code !== null) return { parent: null, made: make(mine, code), others };
  const unseen = {
    type: "AUTHORIZATION",
    amount: 0,
    currency,
    method,
    of: null,
    code: "authorization_voided",
  } as const;
  const claimed = { ...(parent ?? makeEntry({ ...unseen, at })), claims: [...claims, mine] };
  return { parent: claimed, made: make(mine, null), others: [] };
}

class SimulatedProvider implements PaymentProvider {
  readonly #ledger: DocumentStore<LedgerEntry>;
  readonly #clock: Clock;

  constructor(ledger: DocumentStore<LedgerEntry>, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  async authorize({ key, ...ask }: Parameters<PaymentProvider["authorize"]>[0]): Promise<Outcome> {
    if (ask.method === "pm_sim_down") throw new Error("The provider cannot be reached");
    const known = await this.find(key);
    if (known !== null) return known;
    const at = timestamp(this.#clock.now());
    const made = makeEntry({ ...ask, type: "AUTHORIZATION", of: null, code: declineOf(ask.method), at });
    const outcome = await this.#answer(key, made);
    if (ask.method === "pm_sim_slow") await this.#clock.sleep(SLOW_MS);
    return outcome;
  }

  capture({ key, authorizationKey, amount }: Parameters<PaymentProvider["capture"]>[0]): Promise<Outcome> {
    return this.#derive({ type: "CAPTURE", key, of: authorizationKey, asked: amount }, capturable(amount));
  }

  void({ key, authorizationKey }: Parameters<PaymentProvider["void"]>[0]): Promise<Outcome> {
    return this.#derive({ type: "VOID", key, of: authorizationKey, asked: null }, voidable);
  }

  refund({ key, captureKey, amount }: Parameters<PaymentProvider["refund"]>[0]): Promise<Outcome> {
    return this.#derive({ type: "REFUND", key, of: captureKey, asked: amount }, refundable(amount));
  }

  async find(key: string): Promise<Outcome | null> {
    const known = await this.#ledger.load(key);
    return known === null ? null : outcomeOf(key, known.state);
  }

  /** First the claim in the parent, which decides; then the entry. Whoever is refused for a claim sees to its entry first. */
  async #derive(derived: Derived, ruling: Ruling): Promise<Outcome> {
    const known = await this.find(derived.key);
    if (known !== null) return known;
    const at = timestamp(this.#clock.now());
    const { result } = await this.#ledger.update(derived.of, current => {
      const { parent, ...ruled } = rule(current?.state ?? null, { ...derived, at }, ruling);
      return parent === null ? keep(ruled) : write(parent, [], ruled);
    });
    await Promise.all(result.others.map(([key, made]) => this.#put(key, made)));
    return this.#answer(derived.key, result.made);
  }

  async #answer(key: string, made: LedgerEntry): Promise<Outcome> {
    const { entry, isFirst } = await this.#put(key, made);
    if (isFirst && made.method === "pm_sim_unknown") throw new Error("The provider's answer was lost");
    return outcomeOf(key, entry);
  }

  /** The first entry under a key stands for ever. */
  async #put(key: string, made: LedgerEntry): Promise<{ entry: LedgerEntry; isFirst: boolean }> {
    const { result } = await this.#ledger.update(
      key,
      current =>
        current === null
          ? write(made, [], { entry: made, isFirst: true })
          : keep({ entry: current.state, isFirst: false }),
      { expectsNew: true },
    );
    return result;
  }
}

export const simulatedProvider = (ledger: DocumentStore<LedgerEntry>, clock: Clock): PaymentProvider =>
  new SimulatedProvider(ledger, clock);
