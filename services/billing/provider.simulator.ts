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

export function simulatedProvider(ledger: DocumentStore<LedgerEntry>, clock: Clock): PaymentProvider {
  const entry = ({
    amount,
    code,
    ...ask
  }: Pick<LedgerEntry, "type" | "amount" | "currency" | "method" | "of" | "code">) =>
    ({
      ...ask,
      code,
      amount: code === null ? amount : 0,
      state: code === null ? "APPROVED" : "DECLINED",
      claims: [],
      at: timestamp(clock.now()),
    }) satisfies LedgerEntry;

  /** The first entry under a key stands for ever. */
  async function put(key: string, made: LedgerEntry): Promise<{ entry: LedgerEntry; isFirst: boolean }> {
    const { result } = await ledger.update(key, current =>
      current === null
        ? write(made, [], { entry: made, isFirst: true })
        : keep({ entry: current.state, isFirst: false }),
    );
    return result;
  }

  async function answer(key: string, made: LedgerEntry): Promise<Outcome> {
    const { entry: stored, isFirst } = await put(key, made);
    if (isFirst && made.method === "pm_sim_unknown") throw new Error("The provider's answer was lost");
    return outcomeOf(key, stored);
  }

  /** First the claim in the parent, which decides; then the entry. Whoever is refused for a claim sees to its entry first. */
  async function derive(type: Claim["type"], { key, of, asked }: Derived, rule: Ruling): Promise<Outcome> {
    const known = await ledger.load(key);
    if (known !== null) return outcomeOf(key, known.state);
    const { result } = await ledger.update(of, current => {
      const parent = current?.state ?? null;
      const { method = "", currency = "", claims = [] } = parent ?? {};
      const make = ({ type, amount }: Omit<Claim, "key">, code: string | null) =>
        entry({ type, amount, currency, method, of, code });
      const mine = { key, type, amount: asked ?? parent?.amount ?? 0 };
      if (claims.some(claim => claim.key === key)) return keep({ made: make(mine, null), others: [] });
      const code = rule(parent);
      const others = claims.map(claim => [claim.key, make(claim, null)] as const);
      if (code !== null) return keep({ made: make(mine, code), others });
      const tombstone = { type: "AUTHORIZATION", amount: 0, currency, method, of: null } as const;
      const claimed = parent ?? entry({ ...tombstone, code: "authorization_voided" });
      return write({ ...claimed, claims: [...claims, mine] }, [], { made: make(mine, null), others: [] });
    });
    await Promise.all(result.others.map(([other, made]) => put(other, made)));
    return answer(key, result.made);
  }

  return {
    async authorize({ key, amount, currency, method }) {
      if (method === "pm_sim_down") throw new Error("The provider cannot be reached");
      const known = await ledger.load(key);
      if (known !== null) return outcomeOf(key, known.state);
      const outcome = await answer(
        key,
        entry({ type: "AUTHORIZATION", amount, currency, method, of: null, code: declineOf(method) }),
      );
      if (method === "pm_sim_slow") await clock.sleep(SLOW_MS);
      return outcome;
    },

    capture: ({ key, authorizationKey, amount }) =>
      derive("CAPTURE", { key, of: authorizationKey, asked: amount }, capturable(amount)),

    void: ({ key, authorizationKey }) => derive("VOID", { key, of: authorizationKey, asked: null }, voidable),

    refund: ({ key, captureKey, amount }) =>
      derive("REFUND", { key, of: captureKey, asked: amount }, refundable(amount)),

    async find(key) {
      const known = await ledger.load(key);
      return known === null ? null : outcomeOf(key, known.state);
    },
  };
}
