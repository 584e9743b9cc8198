// What billing asks of a payment provider. Every call carries a key of ours; the same key asks for the same thing.

/** Definite answers. Anything thrown (unreachable, timed out, answer lost) is unknown: `find` the key before asking again. */
export type Outcome =
  { readonly status: "approved"; readonly ref: string } | { readonly status: "declined"; readonly code: string };

/** Amounts are positive, in minor units. */
export interface PaymentProvider {
  authorize(ask: { key: string; amount: number; currency: string; method: string }): Promise<Outcome>;
  capture(ask: { key: string; authorizationKey: string; amount: number }): Promise<Outcome>;
  /**
   * Approved: that authorisation holds nothing and never will, even if it has yet to arrive. Declined: it was captured.
   * Which of a capture and a void comes first is decided by the provider, atomically.
   */
  void(ask: { key: string; authorizationKey: string }): Promise<Outcome>;
  refund(ask: { key: string; captureKey: string; amount: number }): Promise<Outcome>;
  /** What became of the call with this key; null when the provider has not seen it (it may still be on its way). */
  find(key: string): Promise<Outcome | null>;
}

/** Money that the provider moved, or (not approved) refused to move. */
export interface LedgerLine {
  readonly key: string;
  readonly type: "CAPTURE" | "REFUND";
  /** Minor units; 0 when refused. */
  readonly amount: number;
  readonly approved: boolean;
  /** RFC 3339. */
  readonly at: string;
}

/** The provider's own books, whatever we have stored: only read, and only to be compared. */
export interface ProviderLedger {
  /** In the order of the keys; `next` is the key to go on after. */
  page(query: {
    type: LedgerLine["type"];
    after?: string;
    limit: number;
  }): Promise<{ items: readonly LedgerLine[]; next: string | null }>;
  /** Those with these keys; of what it has not seen there is none. */
  linesOf(keys: readonly string[]): Promise<readonly LedgerLine[]>;
}
